"""What the chart gives to Prometheus and Grafana is what `docker/` gives them."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from service.base.strict_json import Json
from tests.conftest import ROOT
from tests.deploy.objects import of_kind, render, rendered
from tests.docker.rules import RULE_FILES

DASHBOARDS = sorted((ROOT / "docker" / "grafana" / "dashboards").glob("*.json"))
BASE = "https://git.example.org/kerasd/blob/main/"

pytestmark = pytest.mark.slow


def groups(objects: list[Json] | tuple[Json, ...]) -> list[Json]:
    (rule,) = of_kind(objects, "PrometheusRule").values()
    found: list[Json] = rule["spec"]["groups"]
    return found


def original() -> list[Json]:
    return [group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]]


def with_rules(**monitoring: object) -> list[Json]:
    return render({
        "access": "open",
        "monitoring": {"prometheusRule": {"enabled": True}, **monitoring},
    })  # fmt: skip


def test_the_rules_are_the_same() -> None:
    assert groups(with_rules()) == original()


def test_runbooks_get_an_address() -> None:
    text = json.dumps(original()).replace('"runbook_url": "docs/', f'"runbook_url": "{BASE}docs/')
    assert groups(rendered("replicas")) == json.loads(text)


def test_another_jobs_name_is_told_to_rules_and_monitor() -> None:
    objects = with_rules(job="models", serviceMonitor={"enabled": True})
    text = json.dumps(groups(objects))
    assert 'up{job=\\"models\\"}' in text
    assert 'job=\\"kerasd\\"' not in text
    (monitor,) = of_kind(objects, "ServiceMonitor").values()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "models"}]
    assert "authorization" not in endpoint


def test_one_release_has_the_rules_of_several_jobs() -> None:
    (alert,) = (
        rule
        for group in groups(with_rules(jobs=["shop", "risk"]))
        for rule in group["rules"]
        if rule.get("alert") == "KerasdTargetDown"
    )
    assert 'absent(up{job="shop"}) or up{job="risk"} == 0' in alert["expr"]
    assert alert["expr"].endswith('absent(up{job="risk"})')


def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": groups(rendered("replicas"))}))
    ran = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_monitor_finds_the_service_and_has_a_key() -> None:
    (monitor,) = of_kind(rendered("replicas"), "ServiceMonitor").values()
    (service,) = of_kind(rendered("replicas"), "Service").values()
    (endpoint,) = monitor["spec"]["endpoints"]
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    assert endpoint["port"] == service["spec"]["ports"][0]["name"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["authorization"]["credentials"] == {"name": "kerasd-metrics-key", "key": "key"}


def test_the_dashboards_are_the_same() -> None:
    maps = {
        name: one
        for name, one in of_kind(rendered("replicas"), "ConfigMap").items()
        if one["metadata"]["labels"].get("grafana_dashboard") == "1"
    }
    assert sorted(maps) == [f"kerasd-dashboard-{path.stem}" for path in DASHBOARDS]
    for path in DASHBOARDS:
        data = maps[f"kerasd-dashboard-{path.stem}"]["data"]
        assert json.loads(data[path.name]) == json.loads(path.read_text())
