"""The chart as the project's other files make it: rules, dashboards, version, names of settings."""

import json
import re
from pathlib import Path

from service import __version__
from service.base.secret_files import SECRET_SETTINGS
from service.base.settings import Settings
from service.base.strict_json import Json

ROOT = Path(__file__).parent.parent
CHART = ROOT / "deploy" / "helm" / "kerasd"
COPIED = {
    "files/rules": ROOT / "docker" / "prometheus" / "rules",
    "files/dashboards": ROOT / "docker" / "grafana" / "dashboards",
}
# What the chart's own values decide; none of them can be given as a setting.
DECIDED = frozenset(
    ("port", "repository", "repository_url", "state_dir", "shared_dir", "compiled_url", "workers",
     "access", "keys_file", "secrets_dir", "drain_s", "data_dir")
)  # fmt: skip
KEPT = ("description", "type", "enum", "items", "minimum", "maximum", "exclusiveMinimum")


def open_settings() -> dict[str, Json]:
    """The schema of each setting that may stand under `settings`: not decided here, nor secret."""
    known = Settings.model_json_schema()["properties"]
    return {
        name: {key: value for key, value in _given(known[name]).items() if key in KEPT}
        for name in sorted(set(known) - DECIDED - set(SECRET_SETTINGS))
    }


def _given(schema: Json) -> Json:
    """A setting as it is when it is given: an optional one has no null in the environment."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind["type"] != "null"]
    return {**schema, **kinds[0]} if kinds else schema


def chart_files() -> dict[Path, str]:
    """Each file of the chart that is made, and what it has to hold."""
    made = {
        CHART / folder / path.name: path.read_text()
        for folder, source in COPIED.items()
        for path in sorted(source.iterdir())
    }
    made[CHART / "Chart.yaml"] = _with_version((CHART / "Chart.yaml").read_text())
    made[CHART / "values.schema.json"] = _with_settings((CHART / "values.schema.json").read_text())
    return made


def _with_version(text: str) -> str:
    return re.sub(r"^(version|appVersion): .*$", rf"\1: {__version__}", text, flags=re.MULTILINE)


def _with_settings(text: str) -> str:
    schema: Json = json.loads(text)
    schema["properties"]["settings"]["properties"] = open_settings()
    return json.dumps(schema, indent=2) + "\n"
