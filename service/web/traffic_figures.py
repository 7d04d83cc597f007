"""What canaries and shadows of a model have come to, out of the counters that all workers share."""

from collections import defaultdict
from collections.abc import Sequence

from prometheus_client.metrics_core import Metric

from service.base.strict_json import Json

Samples = dict[tuple[str, ...], float]

CANARY = "kerasd_canary_requests_total"
REQUESTS = "kerasd_shadow_requests_total"
ROWS = "kerasd_shadow_rows_total"
RUN = "kerasd_shadow_duration_seconds"
FAMILIES = (*(name.removesuffix("_total") for name in (CANARY, REQUESTS, ROWS)), RUN)
OUTCOMES = ("compared", "dropped", "failed", "incompatible")
MILLISECONDS = 1000
DIGITS = 6


def canary_figures(families: Sequence[Metric], model: str) -> list[Json]:
    """How many requests each version got while the model had a canary, and as which of the two."""
    found = _samples(families, model, CANARY, "arm")
    return [
        {"version": int(version), "arm": arm, "requests": int(requests)}
        for (version, arm), requests in sorted(found.items(), key=_order)
    ]


def shadow_figures(families: Sequence[Metric], model: str) -> list[Json]:
    """What became of the copies for each shadow version, how far it agreed, how long it took.

    `agreement` is the share of the compared rows, `p50_ms` and `p99_ms` the ends of the histogram's
    bars that hold them; none of them is there before there is something to tell it by.
    """
    requests = _samples(families, model, REQUESTS, "outcome")
    rows = _samples(families, model, ROWS, "agrees")
    bars = _samples(families, model, f"{RUN}_bucket", "le")
    versions = sorted({int(version) for version, _ in requests})
    return [_entry(str(version), requests, rows, bars) for version in versions]


def _entry(version: str, requests: Samples, rows: Samples, bars: Samples) -> Json:
    agreeing, differing = rows[version, "true"], rows[version, "false"]
    compared = agreeing + differing
    return {
        "version": int(version),
        "requests": {outcome: int(requests[version, outcome]) for outcome in OUTCOMES},
        "rows": {"agreeing": int(agreeing), "differing": int(differing)},
        "agreement": round(agreeing / compared, DIGITS) if compared else None,
        "p50_ms": _quantile(version, bars, 0.5),
        "p99_ms": _quantile(version, bars, 0.99),
    }


def _quantile(version: str, bars: Samples, share: float) -> float | None:
    """The end of the bar in which the quantile lies, in milliseconds; none beyond the last."""
    ours = sorted((float(end), count) for (name, end), count in bars.items() if name == version)
    runs = ours[-1][1] if ours else 0
    if not runs:
        return None
    end = next(end for end, count in ours if count >= share * runs)
    return None if end == float("inf") else end * MILLISECONDS


def _samples(families: Sequence[Metric], model: str, name: str, part: str) -> Samples:
    """By version and one more label."""
    found: Samples = defaultdict(float)
    for family in families:
        for sample in family.samples:
            if sample.name == name and sample.labels.get("model") == model:
                found[sample.labels["version"], sample.labels[part]] += sample.value
    return found


def _order(item: tuple[tuple[str, ...], float]) -> tuple[int, str]:
    (version, part), _ = item
    return int(version), part
