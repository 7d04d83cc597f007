"""What this process counts, and where."""

import numpy as np
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from service.base.metric_arrays import observe_array, observe_columns
from service.base.metrics import (
    PREDICTIONS,
    REGISTRY,
    counts_in_files,
)

SECONDS = np.array([[0.5, 3.0], [1.0, 0.0], [2.5, 9.0], [0.5, 2.0]])


def test_without_a_folder_a_process_counts_for_itself() -> None:
    assert not counts_in_files()
    PREDICTIONS.labels("test-metrics", "1", "cat").inc(5)

    text = generate_latest(REGISTRY).decode()

    assert 'kerasd_predictions_total{class="cat",model="test-metrics",version="1"} 5.0' in text


def test_many_values_at_once_are_observed_as_one_after_the_other() -> None:
    ours, theirs = histograms(), histograms()
    observe_array(ours[0], SECONDS[:, 0])
    observe_columns(ours[1:], SECONDS)
    for histogram, column in zip(theirs, (0, 0, 1), strict=True):
        for value in SECONDS[:, column].tolist():
            histogram.observe(value)
    assert [samples(one) for one in ours] == [samples(one) for one in theirs]


def histograms() -> list[Histogram]:
    registry = CollectorRegistry()
    return [
        Histogram(f"of_{name}", "A test's.", buckets=(0.5, 1, 2.5), registry=registry)
        for name in "abc"
    ]


def samples(histogram: Histogram) -> list[tuple[str, float]]:
    (family,) = histogram.collect()
    return [
        (one.name + one.labels.get("le", ""), one.value)
        for one in family.samples
        if "created" not in one.name
    ]
