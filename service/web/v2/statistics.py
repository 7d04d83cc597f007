"""Statistics of models, in Triton's form, out of the counters that all workers share."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import Metric

from service.base.strict_json import Json

Key = tuple[str, str]

NANOSECONDS = 1_000_000_000
MILLISECONDS = 1000
REQUESTS = "kerasd_predict_requests_total"
DURATION_SUM = "kerasd_predict_duration_seconds_sum"
ROWS_SUM = "kerasd_predict_batch_rows_sum"
EXECUTIONS = "kerasd_predict_executions_total"
EXECUTION_SECONDS = "kerasd_predict_execution_seconds_total"
LAST = "kerasd_predict_last_timestamp_seconds"
# Which label tells a metric's samples of one version apart.
PARTS = {
    REQUESTS: ("outcome",),
    DURATION_SUM: ("stage",),
    ROWS_SUM: (),
    EXECUTIONS: ("rows",),
    EXECUTION_SECONDS: ("rows", "stage"),
    LAST: (),
}
FAMILIES = frozenset(name.removesuffix("_total").removesuffix("_sum") for name in PARTS)
COMPUTE = {"compute_input": "decode", "compute_infer": "infer", "compute_output": "encode"}
RUN = {"compute_input": "gather", "compute_infer": "run", "compute_output": "split"}
FAILED = ("error", "rejected", "timeout")  # what doesn't fit the model isn't counted by Triton

Samples = dict[str, dict[tuple[str, ...], float]]


def model_stats(families: Iterable[Metric], versions: Sequence[tuple[str, int]]) -> Json:
    """One entry a version, also for one that has answered nothing yet."""
    wanted = {(model, str(version)) for model, version in versions}
    collected = _collect(families, wanted)
    return {"model_stats": [_entry(key, collected[key]) for key in sorted(wanted, key=_order)]}


def _collect(families: Iterable[Metric], wanted: set[Key]) -> dict[Key, Samples]:
    collected: dict[Key, Samples] = {
        key: {name: defaultdict(float) for name in PARTS} for key in wanted
    }
    for family in families:
        for sample in family.samples:
            parts = PARTS.get(sample.name)
            found = collected.get(
                (sample.labels.get("model", ""), sample.labels.get("version", ""))
            )
            if parts is None or found is None:
                continue
            values = found[sample.name]
            part = tuple(sample.labels.get(name, "") for name in parts)
            is_time = sample.name == LAST
            values[part] = (
                max(values[part], sample.value) if is_time else values[part] + sample.value
            )
    return collected


def _entry(key: Key, samples: Samples) -> Json:
    requests, stages = samples[REQUESTS], samples[DURATION_SUM]
    answered = int(requests[("ok",)])
    return {
        "name": key[0],
        "version": key[1],
        "last_inference": int(samples[LAST][()] * MILLISECONDS),
        "inference_count": int(samples[ROWS_SUM][()]),
        "execution_count": int(sum(samples[EXECUTIONS].values())),
        "inference_stats": {
            "success": _duration(answered, stages[("total",)]),
            "fail": _duration(sum(requests[(outcome,)] for outcome in FAILED), 0),
            "queue": _duration(answered, stages[("queue",)]),
            **{name: _duration(answered, stages[(stage,)]) for name, stage in COMPUTE.items()},
            "cache_hit": _duration(0, 0),
            "cache_miss": _duration(0, 0),
        },
        "response_stats": {},
        "batch_stats": _batches(samples),
        "memory_usage": [],
    }


def _batches(samples: Samples) -> list[Json]:
    runs, seconds = samples[EXECUTIONS], samples[EXECUTION_SECONDS]
    return [
        {
            "batch_size": int(rows),
            **{
                name: _duration(runs[(rows,)], seconds[(rows, stage)])
                for name, stage in RUN.items()
            },
        }
        for rows in sorted((part[0] for part in list(runs)), key=int)
    ]


def _duration(count: float, seconds: float) -> Json:
    return {"count": int(count), "ns": round(seconds * NANOSECONDS)}


def _order(key: Key) -> tuple[str, int]:
    return key[0], int(key[1])
