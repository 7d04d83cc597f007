"""Sample weights and times of rows: what they may be."""

import numpy as np

from service.base.signature import TensorSpec
from service.data.values import Fault, find_fault, find_faults

WEIGHT = TensorSpec("weight", "float32", (None,))
TIME = TensorSpec("time", "float64", (None,))


def check_weights(weights: np.ndarray) -> list[Fault]:
    """The faults of some weights: each is a finite number, not below 0."""
    faults = find_faults(weights, WEIGHT)
    with np.errstate(invalid="ignore"):
        indices = np.flatnonzero(weights < 0)
    if len(indices) and not faults:
        first = int(indices[0])
        wrong = f"is {weights[first]:g}"
        faults = [Fault(first, wrong, "a weight of 0 or more", "weights below 0", indices)]
    return faults


def check_times(times: np.ndarray) -> list[Fault]:
    """The faults of some times in numbers: each is finite."""
    fault = find_fault(times, TIME)
    return [] if fault is None else [fault]
