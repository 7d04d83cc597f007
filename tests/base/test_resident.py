"""The memory that a worker reports is the memory that it holds."""

import numpy as np

from service.base.resident import machine_bytes, resident_bytes


def test_memory_in_use_is_counted() -> None:
    before = resident_bytes()

    held = np.ones(8_000_000)

    assert resident_bytes() - before > held.nbytes // 2


def test_the_machine_has_more_than_this_process() -> None:
    assert machine_bytes() > resident_bytes() > 0
