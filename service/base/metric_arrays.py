"""Many values observed at once; apart from the metrics, for the web master counts without NumPy."""

from collections.abc import Sequence

import numpy as np
from prometheus_client import Histogram


def observe_array(histogram: Histogram, observed: np.ndarray) -> None:
    """Observe several values at once: one addition a bucket instead of one a value.

    prometheus_client has no call for this; these are the parts that its `observe` adds to.
    """
    places = np.searchsorted(histogram._upper_bounds, observed, side="left")
    histogram._sum.inc(float(observed.sum(dtype=np.float64)))
    for bucket, count in enumerate(np.bincount(places).tolist()):
        if count:
            histogram._buckets[bucket].inc(count)


def observe_columns(histograms: Sequence[Histogram], observed: np.ndarray) -> None:
    """The same of histograms with equal buckets, a column of the array for each."""
    bounds = histograms[0]._upper_bounds
    columns, width = len(histograms), len(bounds)
    places = np.searchsorted(bounds, observed, side="left") + np.arange(columns) * width
    counts = np.bincount(places.ravel(), minlength=columns * width).reshape(columns, width)
    sums = observed.sum(axis=0).tolist()
    for histogram, counted, total in zip(histograms, counts.tolist(), sums, strict=True):
        histogram._sum.inc(total)
        for bucket, count in zip(histogram._buckets, counted, strict=True):
            if count:
                bucket.inc(count)
