"""The rules as tests read them."""

from dataclasses import dataclass
from typing import Any

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "docker" / "prometheus"
RULE_FILES = sorted((FOLDER / "rules").glob("*.yml"))
TEST_FILES = sorted((FOLDER / "tests").glob("*.yml"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; a recording one has no annotations."""

    group: str
    name: str
    expression: str
    is_alert: bool
    severity: str
    annotations: dict[str, str]


def groups() -> dict[str, list[Rule]]:
    """All rules by their group."""
    found = [group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]]
    return {
        group["name"]: [_rule(group["name"], rule) for rule in group["rules"]] for group in found
    }


def alerts() -> list[Rule]:
    """The alerting rules."""
    return [rule for rules in groups().values() for rule in rules if rule.is_alert]


def records() -> list[Rule]:
    """The recording rules."""
    return [rule for rules in groups().values() for rule in rules if not rule.is_alert]


def _rule(group: str, rule: dict[str, Any]) -> Rule:
    return Rule(
        group,
        rule.get("alert") or rule["record"],
        rule["expr"],
        "alert" in rule,
        rule.get("labels", {}).get("severity", ""),
        rule.get("annotations", {}),
    )
