"""Rules and alerts: their style, their runbooks, and that each of them is tested by promtool."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docker.rules import FOLDER, RULE_FILES, TEST_FILES, Rule, alerts, groups, records

WANTED = {
    "KerasdTargetDown", "KerasdErrorBudgetBurnFast", "KerasdErrorBudgetBurnSlow",
    "KerasdPredictLatencyHigh", "KerasdModelNotReady", "KerasdModelLoadFailing",
    "KerasdRequestsRejected", "KerasdAccuracyBelowBaseline", "KerasdClassRecallLow",
    "KerasdClassMissed", "KerasdNoLiftOverMajority", "KerasdPredictionMixShifted",
    "KerasdFeedbackStopped", "KerasdTrainingFailed", "KerasdTrainingStalled",
    "KerasdTrainingOverdue", "KerasdWorkersRestarting", "KerasdRemoteRepositoryAway",
    "KerasdRemoteVersionIncomplete", "KerasdRemoteRepositoryStale", "KerasdControllerAway",
    "KerasdControllerRestarting",
}  # fmt: skip

DOWN = 'up{job="kerasd"} == 0 or absent(up{job="kerasd"})'
THREE_JOBS = """
rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="a", instance="a:8080"}', values: "1+0x20"}
      - {series: 'up{job="b", instance="b:8080"}', values: "1+0x5 stale"}
      - {series: 'up{job="c", instance="c:8080"}', values: "1+0x5 0+0x20"}
    promql_expr_test:
      - expr: count by (job, instance) (ALERTS{alertname="KerasdTargetDown", alertstate="firing"})
        eval_time: 10m
        exp_samples:
          - {labels: '{job="b"}', value: 1}
          - {labels: '{job="c", instance="c:8080"}', value: 1}
"""


def test_the_alerts_are_these() -> None:
    names = [alert.name for alert in alerts()]
    assert set(names) == WANTED
    assert len(names) == len(WANTED)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alert_says_what_who_and_where_to_read_on(alert: Rule) -> None:
    assert alert.severity in ("critical", "warning", "info")
    assert re.fullmatch(r"[A-Z][^{]*\.", alert.annotations["summary"])
    assert "{{ $labels." in alert.annotations["description"]
    assert alert.annotations["runbook_url"] == f"docs/alerts.md#{alert.name.lower()}"


def test_the_runbook_has_a_chapter_for_each_alert_and_no_other() -> None:
    text = (ROOT / "docs" / "alerts.md").read_text()
    chapters = re.findall(r"^### (Kerasd\w+)$", text, re.MULTILINE)
    assert sorted(chapters) == sorted(WANTED)
    for alert in alerts():
        chapter = text.split(f"### {alert.name}\n")[1].split("\n### ")[0]
        assert chapter.strip().startswith(f"*{alert.severity}*"), alert.name


def test_a_record_is_named_by_level_metric_operation() -> None:
    for rule in records():
        level, metric, operation = rule.name.split(":")
        assert set(level.split("_")) <= {"job", "store", "model", "version", "class", "le"}
        assert metric.startswith("kerasd_")
        assert operation


def test_the_three_windows_have_the_same_rules() -> None:
    found = groups()
    hour = [(rule.name, rule.expression) for rule in found["kerasd-quality-1h"]]
    for window in ("1d", "7d"):
        other = found[f"kerasd-quality-{window}"]
        assert hour == [
            (rule.name.replace(window, "1h"), rule.expression.replace(window, "1h"))
            for rule in other
        ]


def test_what_a_rule_records_is_told_nowhere_else() -> None:
    names = [rule.name for rule in records()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("rule", [*records(), *alerts()], ids=lambda rule: rule.name)
def test_every_rule_has_a_test(rule: Rule) -> None:
    texts = "".join(path.read_text() for path in TEST_FILES)
    assert re.search(rf"(?<![\w:]){re.escape(rule.name)}(?![\w:])", texts)


@pytest.mark.slow
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_promtool_agrees(path: Path) -> None:
    ran = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_of_several_jobs_each_is_missed_when_it_is_gone_altogether(tmp_path: Path) -> None:
    text = (FOLDER / "rules" / "alerts-serving.yml").read_text()
    assert text.count(DOWN) == 1
    each = " or ".join(DOWN.replace('"kerasd"', f'"{job}"') for job in ("a", "b", "c"))
    (tmp_path / "rules.yml").write_text(text.replace(DOWN, each))
    file = tmp_path / "test.yml"
    file.write_text(THREE_JOBS)
    ran = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_prometheus_takes_the_configuration(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "rules", tmp_path / "rules")
    (tmp_path / "metrics_key").touch()
    (tmp_path / "targets.yml").write_text((FOLDER / "targets" / "replicas.yml").read_text())
    config = tmp_path / "prometheus.yml"
    text = (FOLDER / "prometheus.yml").read_text()
    config.write_text(re.sub(r"/run/secrets/|/etc/kerasd/", f"{tmp_path}/", text))
    command = ["promtool", "check", "config", "--lint-fatal", str(config)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert all(path.name in ran.stdout for path in RULE_FILES)
