"""What a request for feedback is answered with: rows by what became of them, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence

from service.base.strict_json import Json
from service.quality.outcomes import Outcome

MAX_LISTED = 100


def feedback_record(model: str, outcomes: Sequence[Outcome], faults: Mapping[int, str]) -> Json:
    """Counts of all rows; of those that weren't kept the first ones, by number from 0."""
    counts = Counter(outcomes)
    refused = [number for number, outcome in enumerate(outcomes) if not outcome.is_kept]
    return {
        "model": model,
        "rows": len(outcomes),
        "kept": len(outcomes) - len(refused),
        "outcomes": {str(outcome): counts[outcome] for outcome in Outcome if counts[outcome]},
        "refused": [
            _row(number, outcomes[number], faults.get(number, ""))
            for number in refused[:MAX_LISTED]
        ],
        "refused_unlisted": max(0, len(refused) - MAX_LISTED),
    }


def _row(number: int, outcome: Outcome, fault: str) -> Json:
    return {"row": number, "reason": str(outcome), "text": fault or outcome.explanation}
