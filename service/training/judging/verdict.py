"""What the gate says of a candidate: every rule with its figures, so that anybody can follow it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule: whether it was passed, in a sentence, and the figures that it went by.

    `passed` is none where the rule couldn't be applied, which refuses nobody.
    """

    rule: str
    passed: bool | None
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """A plain record, for answers and stored results."""
        return {
            "rule": self.rule, "passed": self.passed, "text": self.text,
            "figures": dict(self.figures),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """Passed if no rule was broken; all rules that were asked for are told."""

    reasons: Sequence[Reason]

    @property
    def passed(self) -> bool:
        """Whether the candidate may be published."""
        return all(reason.passed is not False for reason in self.reasons)

    @property
    def summary(self) -> str:
        """What was broken, or that nothing was, in one line."""
        broken = [reason.text for reason in self.reasons if reason.passed is False]
        return "; ".join(broken) if broken else "the gate was passed"

    def as_json(self) -> dict[str, Any]:
        """A plain record, for answers and stored results."""
        return {
            "passed": self.passed,
            "summary": self.summary,
            "reasons": [reason.as_json() for reason in self.reasons],
        }
