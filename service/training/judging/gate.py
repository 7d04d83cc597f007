"""Whether a candidate is good enough to be published: pure, out of what was measured.

Candidate and champion are judged on the same rows. A rule that compares is left out where there is
no champion, or none that answers the same question; the others have to be passed by anybody.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from service.quality.comparison import Finding, compare, count_pairs
from service.quality.evaluation import Evaluated
from service.recipe.gate import DEFAULT_METRIC, LOWER_IS_BETTER, Gate
from service.training.judging.verdict import Reason, Verdict

CHANCE_Z = 1.645  # who guesses gets past this in one of twenty cases
ROUNDING = 1e-9  # 0.95 - 0.93 is a gain of 0.02, whatever floats make of it


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured of a candidate, and of the champion on the same rows if there is one.

    `form` is classes, sets or values. `latency_ratio` is the candidate's time for a row over the
    champion's. `live` are both on the latest labelled predictions, candidate first; where there
    are none to go by, `no_live` says why.
    """

    form: str
    candidate: Evaluated
    champion: Evaluated | None = None
    latency_ratio: float | None = None
    live: tuple[Evaluated, Evaluated] | None = None
    no_live: str = ""


def judge(gate: Gate, evidence: Evidence) -> Verdict:
    """Hold the candidate against every rule."""
    metric = gate.metric or DEFAULT_METRIC[evidence.form]
    candidate, champion = evidence.candidate, evidence.champion
    reasons = [_rows(gate, candidate), _finite(candidate)]
    if gate.chance:
        reasons.append(_chance(evidence))
    if gate.min_score is not None:
        reasons.append(_score(gate.min_score, metric, candidate))
    if gate.min_class_recall is not None:
        reasons += _class_recalls(gate.min_class_recall, candidate)
    if champion is None:
        reasons.append(Reason("gain", None, "there is no champion to compare with"))
        return Verdict(tuple(reasons))
    reasons.append(_gain(gate.min_gain, metric, candidate, champion))
    if gate.max_class_recall_drop is not None:
        reasons += _recall_drops(gate.max_class_recall_drop, candidate, champion)
    if gate.significance is not None:
        reasons.append(_significance(gate.significance, candidate, champion))
    if gate.max_latency_ratio is not None:
        reasons.append(_latency(gate.max_latency_ratio, evidence.latency_ratio))
    if gate.feedback:
        reasons.append(_live(gate, metric, evidence))
    return Verdict(tuple(reasons))


def gain(metric: str, candidate: float, champion: float) -> float:
    """By how much the candidate is better; negative where it is worse."""
    return champion - candidate if metric in LOWER_IS_BETTER else candidate - champion


def _rows(gate: Gate, candidate: Evaluated) -> Reason:
    figures = {"rows": candidate.rows, "min_rows": gate.min_rows}
    if candidate.rows >= gate.min_rows:
        return Reason("min_rows", True, f"{candidate.rows} held-out rows are enough", figures)
    text = f"{candidate.rows} held-out rows are too few to judge by: expected {gate.min_rows}"
    return Reason("min_rows", False, text, figures)


def _finite(candidate: Evaluated) -> Reason:
    broken = int(candidate.scores.get("non_finite", 0))
    figures = {"non_finite": broken, "rows": candidate.rows}
    if not broken:
        return Reason("finite", True, "every answer is finite", figures)
    text = f"{broken} of {candidate.rows} answers are NaN or infinite"
    return Reason("finite", False, text, figures)


def _chance(evidence: Evidence) -> Reason:
    """Better than guessing: by more than guessing brings in nineteen of twenty cases."""
    candidate = evidence.candidate
    if evidence.form == "values":
        r2 = candidate.metrics.get("r2")
        if r2 is None:
            return Reason("chance", None, "the true numbers vary too little to tell guesses apart")
        needed = CHANCE_Z**2 / max(1, candidate.rows)  # what a line through noise explains
        passed = r2 > needed
        text = f"R² is {r2:.4g}: " + (
            "better than always saying the mean" if passed else "no better than saying the mean"
        )
        return Reason("chance", passed, text, {"r2": r2, "needed": needed})
    matrix = candidate.confusion
    if matrix is None or not matrix.any():
        return Reason("chance", None, "what guessing brings isn't known for such answers")
    found, guessed, needed = chance_of(matrix)
    figures = {"balanced_accuracy": found, "by_chance": guessed, "needed": needed}
    passed = found > needed
    text = (
        f"balanced accuracy {found:.4g} is " + ("above" if passed else "not above") +
        f" {needed:.4g}, which guessing reaches in one of twenty cases"
    )  # fmt: skip
    return Reason("chance", passed, text, figures)


def chance_of(matrix: np.ndarray) -> tuple[float, float, float]:
    """Balanced accuracy, what it would be by guessing, and what it must be above not to be that.

    Who guesses as often for each class as this one decides for it finds of each class that share.
    """
    support = matrix.sum(axis=1).astype(np.float64)
    occurs = support > 0
    share = matrix.sum(axis=0) / matrix.sum()
    recall = np.diagonal(matrix)[occurs] / support[occurs]
    guessed = float(share[occurs].mean())
    variance = (share[occurs] * (1 - share[occurs]) / support[occurs]).sum() / occurs.sum() ** 2
    return float(recall.mean()), guessed, guessed + CHANCE_Z * sqrt(float(variance))


def _score(least: float, metric: str, candidate: Evaluated) -> Reason:
    value = candidate.metrics.get(metric)
    if value is None:
        return Reason("min_score", False, f"{metric} has no value on these rows")
    is_low = metric in LOWER_IS_BETTER
    passed = value <= least if is_low else value >= least
    bound = "at most" if is_low else "at least"
    text = f"{metric} is {value:.4g}: expected {bound} {least:g}"
    return Reason("min_score", passed, text, {"metric": metric, "value": value, "needed": least})


def _class_recalls(least: float | dict[str, float], candidate: Evaluated) -> list[Reason]:
    """A class without rows says nothing where all are asked for, and breaks a rule of its own."""
    recalls = candidate.recalls()
    needed = least if isinstance(least, dict) else dict.fromkeys(recalls, least)
    return [
        _class_recall(name, recalls.get(name, (None, 0)), share, isinstance(least, dict))
        for name, share in needed.items()
    ]


def _class_recall(
    name: str, found: tuple[float | None, int], needed: float, is_named: bool
) -> Reason:
    recall, support = found
    figures = {"class": name, "recall": recall, "support": support, "needed": needed}
    if recall is None:
        text = f"class {name} has no held-out row, so that its recall isn't known"
        return Reason("min_class_recall", False if is_named else None, text, figures)
    passed = recall >= needed
    text = f"recall of class {name} is {recall:.4g} ({support} rows): expected {needed:g}"
    return Reason("min_class_recall", passed, text, figures)


def _gain(needed: float, metric: str, candidate: Evaluated, champion: Evaluated) -> Reason:
    ours, theirs = candidate.metrics.get(metric), champion.metrics.get(metric)
    if ours is None or theirs is None:
        who = "the candidate" if ours is None else "the champion"
        passed = ours is not None  # a champion that has none can't be better
        return Reason("gain", passed, f"{metric} of {who} has no value on these rows")
    better = gain(metric, ours, theirs)
    passed = better > ROUNDING if needed == 0 else better >= needed - ROUNDING
    wanted = "any gain" if needed == 0 else f"a gain of {needed:g}"
    text = f"{metric} is {ours:.4g}, the champion's {theirs:.4g}: {better:+.4g}, expected {wanted}"
    return Reason(
        "gain",
        passed,
        text,
        {"metric": metric, "candidate": ours, "champion": theirs, "gain": better, "needed": needed},
    )


def _recall_drops(most: float, candidate: Evaluated, champion: Evaluated) -> list[Reason]:
    theirs = champion.recalls()
    reasons = []
    for name, (recall, support) in candidate.recalls().items():
        before, _ = theirs.get(name, (None, 0))
        if recall is None or before is None:
            continue
        text = f"recall of class {name} goes from {before:.4g} to {recall:.4g} ({support} rows)"
        figures = {"class": name, "candidate": recall, "champion": before, "allowed": most}
        reasons.append(
            Reason("max_class_recall_drop", before - recall <= most + ROUNDING, text, figures)
        )
    return reasons


def _significance(level: float, candidate: Evaluated, champion: Evaluated) -> Reason:
    if candidate.correct is None or champion.correct is None:
        return Reason("significance", None, "McNemar's test needs answers that are right or wrong")
    found = compare(count_pairs(champion.correct, candidate.correct), alpha=level)
    told = found.reasons[-1]
    text = f"the candidate is {found.finding.value.replace('_', ' ')}: {told}"
    return Reason("significance", found.finding is Finding.BETTER, text, found.as_json())


def _latency(most: float, ratio: float | None) -> Reason:
    if ratio is None:
        return Reason("max_latency_ratio", None, "the time of a row couldn't be measured")
    text = f"a row takes {ratio:.3g} times as long as with the champion: expected at most {most:g}"
    return Reason("max_latency_ratio", ratio <= most, text, {"ratio": ratio, "allowed": most})


def _live(gate: Gate, metric: str, evidence: Evidence) -> Reason:
    if evidence.live is None:
        return Reason("feedback", None, evidence.no_live or "there are no labelled predictions")
    candidate, champion = evidence.live
    if candidate.rows < gate.min_rows:
        text = f"only {candidate.rows} labelled predictions: expected {gate.min_rows} to go by"
        return Reason("feedback", None, text, {"rows": candidate.rows})
    ours, theirs = candidate.metrics.get(metric), champion.metrics.get(metric)
    if ours is None or theirs is None:
        return Reason("feedback", None, f"{metric} has no value on the labelled predictions")
    better, least = gain(metric, ours, theirs), min(0.0, gate.min_gain)
    text = (
        f"on the latest {candidate.rows} labelled predictions {metric} is {ours:.4g}, the "
        f"champion's {theirs:.4g}: {better:+.4g}"
    )
    figures = {
        "metric": metric, "candidate": ours, "champion": theirs, "gain": better, "needed": least,
        "rows": candidate.rows,
    }  # fmt: skip
    return Reason("feedback", better >= least - ROUNDING, text, figures)
