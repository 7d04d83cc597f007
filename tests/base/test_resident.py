"""The memory that a worker reports is the memory that it holds."""

import numpy as np

from service.base.resident import resident_bytes


def test_memory_in_use_is_counted() -> None:
    before = resident_bytes()

    held = np.ones(8_000_000)

    assert resident_bytes() - before > held.nbytes // 2
