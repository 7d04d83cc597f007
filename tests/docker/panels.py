"""The committed dashboards as tests read them: panels, queries, and the rules of their style."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.conftest import ROOT

FOLDER = ROOT / "docker" / "grafana" / "dashboards"
QUIET = "No data while"
SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
EVERYTHING = {
    "$job": ".+", "$instance": ".+", "$model": ".+", "$version": ".+", "$window": "1d",
    "$__rate_interval": "1m", "$__range": "1h", "$__interval": "15s",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One query of one panel; `may_be_empty` if the panel says so of itself."""

    dashboard: str
    panel: str
    expression: str
    may_be_empty: bool

    @property
    def for_everything(self) -> str:
        """With variables that choose all there is."""
        text = self.expression
        for name in sorted(EVERYTHING, key=len, reverse=True):
            text = text.replace(name, EVERYTHING[name])
        return text


def dashboards() -> dict[str, dict[str, Any]]:
    """The committed JSON by the name of its file."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that show something; headings are none."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(*names: str) -> list[PanelQuery]:
    """Every query of these dashboards, or of all."""
    return [
        PanelQuery(name, panel["title"], target["expr"], QUIET in panel["description"])
        for name, dashboard in dashboards().items()
        if not names or name in names
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
    ]


def faults(dashboard: dict[str, Any]) -> Iterator[str]:
    """What a reader of dashboards would object to."""
    if dashboard["editable"] or dashboard["graphTooltip"] != 1:
        yield "is editable, or has no common crosshair"
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    if not {"datasource", "job", "instance", "model"} <= set(variables):
        yield f"has the variables {sorted(variables)} only"
    if not any(link["includeVars"] and link["keepTime"] for link in dashboard["links"]):
        yield "has no link that keeps variables and time"
    titles = [panel["title"] for panel in panels(dashboard)]
    yield from (
        f"two panels are called {title}" for title in set(titles) if titles.count(title) > 1
    )
    for panel in panels(dashboard):
        yield from (f"{panel['title']}: {fault}" for fault in _faults_of_panel(panel))
    drawn = json.dumps(dashboard["panels"])
    yield from (f"never uses ${name}" for name in variables if f"${name}" not in drawn)


def _faults_of_panel(panel: dict[str, Any]) -> Iterator[str]:
    if not panel["title"] or not panel["description"].endswith((".", "window.")):
        yield "no title, or no description that is a sentence"
    if panel["type"] == "text":
        return
    if panel["datasource"]["uid"] != "$datasource":
        yield "does not use the chosen data source"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield "no unit"
    if not panel["targets"]:
        yield "no query"
    for target in panel["targets"]:
        yield from _faults_of_query(target["expr"])


def _faults_of_query(expression: str) -> Iterator[str]:
    for metric, matchers in SELECTOR.findall(expression):
        wanted = ["$job"] if ":" in metric or metric == "ALERTS" else ["$job", "$instance"]
        yield from (
            f"{metric} is not narrowed by {w}" for w in wanted if f'=~"{w}"' not in matchers
        )
    for function, window in re.findall(
        r"\b(rate|increase|irate)\([^\[\]]*\[([^\]]*)\]", expression
    ):
        if window not in ("$__rate_interval", "$__range", "1h"):
            yield f"{function} over {window}"
    bare = re.findall(r"\b(?:kerasd_|http_server_)\w+(?![\w:{])", SELECTOR.sub("", expression))
    yield from (f"{metric} is not narrowed at all" for metric in bare)
