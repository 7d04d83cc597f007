"""The table about serving while training, with what it is held to."""

from collections.abc import Sequence

from benchmarks.report import table
from benchmarks.retrains import Training

P99_AT_MOST = 2.0
COLUMNS = ("what", "measured", "goal", "")


def document(where: str, found: Training) -> str:
    """All of it, as Markdown."""
    ratio = found.p99_ratio
    rows = [
        ("requests", f"{found.requests}, {found.offered_per_s:.0f} a second", "", ""),
        ("failed", f"{found.failed}", "none", _judged(found.failed == 0)),
        (
            "p99 while a retrain runs, of that without",
            f"{ratio:.2f}",
            f"at most {P99_AT_MOST:g}",
            _judged(ratio <= P99_AT_MOST),
        ),
        ("the same, by rounds", _plain(found.p99_ratios), "", ""),
        ("p99 without, by rounds", _ms(found.alone_p99_ms), "", ""),
        ("p99 while a retrain runs, by rounds", _ms(found.training_p99_ms), "", ""),
        ("median without, by rounds", _ms(found.alone_p50_ms), "", ""),
        ("median while a retrain runs, by rounds", _ms(found.training_p50_ms), "", ""),
        ("a retrain, by rounds", ", ".join(f"{each:.0f}" for each in found.job_s) + " s", "", ""),
        ("cores that others used, without", _plain(found.alone_others), "", ""),
        ("cores that others used, while a retrain ran", _plain(found.training_others), "", ""),
    ]
    return f"{where}\n\n{table(COLUMNS, rows, left=2)}\n"


def _judged(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def _ms(values: Sequence[float]) -> str:
    return f"{_plain(values)} ms"


def _plain(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
