"""The tables about promotions and about many models, with what they are held to."""

from collections.abc import Sequence

import numpy as np

from benchmarks.many_models import ManyModels
from benchmarks.report import table
from benchmarks.swaps import Swaps

P99_AT_MOST = 1.5
MEMORY_WITHIN = 0.05
Row = tuple[str, str, str, str]


def swaps_document(where: str, found: Swaps) -> str:
    """All of the promotions, as Markdown."""
    ms = np.array(found.swap_ms)
    memory = f"{found.memory_ratio:.3f} ({found.before_mb:.0f} to {found.after_mb:.0f} MB)"
    drain = "-" if found.drain_ms is None else f"{found.drain_ms:.2f} ms"
    rows: list[Row] = [
        _fact("requests", f"{found.requests}, {found.offered_per_s:.0f} a second"),
        _none("failed", found.failed),
        _none("with an unknown answer", found.other),
        _none("answered by the version before, after the promotion's answer", found.old),
        _judged(
            "p99 with promotions, of that without",
            f"{found.p99_ratio:.2f}",
            f"at most {P99_AT_MOST}",
            found.p99_ratio <= P99_AT_MOST,
        ),
        _fact("p99 without, by rounds", _ms(found.steady_p99_ms)),
        _fact("p99 with, by rounds", _ms(found.swapping_p99_ms)),
        _fact("p99 of those sent while a promotion was under way", _ms([found.during_p99_ms])),
        _judged(
            f"memory after {len(ms)} promotions, of that before",
            memory,
            f"within {MEMORY_WITHIN:.0%}",
            abs(found.memory_ratio - 1) <= MEMORY_WITHIN,
        ),
        _fact("a promotion", _spread(ms)),
        _fact("cores that others used meanwhile", f"{found.others_cores:.2f}"),
        _fact("a version's last lease after it was let go, mean", drain),
    ]
    return _document(where, rows)


def many_document(where: str, found: Sequence[ManyModels]) -> str:
    """All of the many models, a table for each start."""
    parts = [where]
    for each in found:
        title = f"a budget of {each.budget_mb} MB a worker" if each.budget_mb else "no budget"
        parts.append(f"{each.models} models, {title}:")
        parts.append(_table(_many_rows(each)))
    return "\n\n".join(parts) + "\n"


def _many_rows(each: ManyModels) -> list[Row]:
    grown = f"{each.grown_mb:.0f} MB over {each.bare_mb:.0f} MB with one model"
    rows = [
        _fact("from the start to /readyz", f"{each.ready_s:.1f} s"),
        _fact("largest worker, ready", f"{each.ready_mb:.0f} MB"),
        _fact("first answer of each model", _spread(np.array(each.first_ms))),
        _fact("answers in a second round", _spread(np.array(each.cold_ms))),
        _fact("a model that is loaded, median", f"{each.hot_ms:.1f} ms"),
        _none("refused", each.refused),
        _none("wrong", each.wrong),
    ]
    if not each.budget_mb:
        return [*rows, _fact("largest worker, at most", grown)]
    held = each.grown_mb <= each.budget_mb
    return [*rows, _judged("largest worker, at most", grown, f"{each.budget_mb} MB over it", held)]


def _document(where: str, rows: Sequence[Row]) -> str:
    return f"{where}\n\n{_table(rows)}\n"


def _table(rows: Sequence[Row]) -> str:
    return table(("what", "measured", "goal", ""), rows, left=2)


def _fact(what: str, measured: str) -> Row:
    return what, measured, "", ""


def _none(what: str, count: int) -> Row:
    return _judged(what, str(count), "none", count == 0)


def _judged(what: str, measured: str, goal: str, is_met: bool) -> Row:
    return what, measured, goal, "met" if is_met else "MISSED"


def _ms(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values) + " ms"


def _spread(ms: "np.ndarray") -> str:
    half, most = np.percentile(ms, [50, 99])
    return f"median {half:.0f} ms, p99 {most:.0f} ms, at most {ms.max():.0f} ms"
