"""The committed dashboards are what their programs write, and keep the rules of their style."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.docker.panels import FOLDER, dashboards, faults, panels, queries
from tests.docker.rules import alerts, records

NAMES = ["overview", "quality", "runtime", "training"]


def test_writing_them_anew_changes_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dashboards.write", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.json" for name in NAMES]
    for written in tmp_path.iterdir():
        assert written.read_text() == (FOLDER / written.name).read_text(), written.name


def test_a_short_name_that_does_not_exist_is_refused() -> None:
    program = "from dashboards.queries import Query; Query('up{<targets>}').expression"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert "ValueError: <targets> is no short name" in ran.stderr


@pytest.mark.parametrize("name", NAMES)
def test_style(name: str) -> None:
    assert list(faults(dashboards()[name])) == []


def test_a_dashboard_against_the_style_is_found_out() -> None:
    dashboard = dashboards()["overview"]
    panel = panels(dashboard)[0]
    panel["description"] = ""
    del panel["fieldConfig"]["defaults"]["unit"]
    panel["targets"][0]["expr"] = 'rate(kerasd_predict_requests_total{model="m"}[30s])'
    assert list(faults(dashboard)) == [
        "Requests: no title, or no description that is a sentence",
        "Requests: no unit",
        "Requests: kerasd_predict_requests_total is not narrowed by $job",
        "Requests: kerasd_predict_requests_total is not narrowed by $instance",
        "Requests: rate over 30s",
    ]


def test_addresses_are_stable_and_links_find_all() -> None:
    found = dashboards()
    assert {board["uid"] for board in found.values()} == {f"kerasd-{name}" for name in NAMES}
    for board in found.values():
        assert board["tags"] == ["kerasd"]
        assert board["links"][0]["tags"] == ["kerasd"]
        ids = [panel["id"] for panel in board["panels"]]
        assert ids == sorted(set(ids))


def test_panels_lie_side_by_side_within_the_page() -> None:
    for board in dashboards().values():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24, panel["title"]
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken, f"{panel['title']} lies over another"
            taken |= cells


def test_grafana_finds_them() -> None:
    provisioning = ROOT / "docker" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["type"] == "prometheus"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "kerasd.yml").read_text())[
        "providers"
    ]
    assert provider["allowUiUpdates"] is False
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts


def test_no_query_asks_for_what_nobody_tells() -> None:
    told = (ROOT / "docs" / "observing.md").read_text()
    recorded = {rule.name for rule in records()}
    asked = [query.expression for query in queries()]
    asked += [rule.expression for rule in [*records(), *alerts()]]
    for expression in asked:
        for name in re.findall(r"\b(?:kerasd_|http_server_|job_)\w+(?::\w+:\w+)?", expression):
            if ":" in name:
                assert name in recorded, name
            else:
                assert re.sub("_(total|bucket|sum|count)$", "", name) in told, name


@pytest.mark.slow
def test_every_query_is_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:q{number}", "expr": query.for_everything}
        for number, query in enumerate(queries())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    ran = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"SUCCESS: {len(rules)} rules found" in ran.stdout
