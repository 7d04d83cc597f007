"""The memory that a worker reports is the memory that it holds."""

import numpy as np

from service.base.resident import anonymous_bytes, machine_bytes, resident_bytes, used_bytes


def test_memory_in_use_is_counted() -> None:
    before = resident_bytes()

    held = np.ones(8_000_000)

    assert resident_bytes() - before > held.nbytes // 2


def test_the_machine_has_more_than_this_process() -> None:
    assert machine_bytes() > resident_bytes() > 0


def test_free_memory_goes_back_to_the_kernel() -> None:
    """Pieces of a size that the C library keeps when they are freed."""
    before = used_bytes()
    held = [np.ones(10_000) for _ in range(1000)]
    kept = [np.ones(10) for _ in range(1000)]
    assert anonymous_bytes() - before > 60_000_000
    del held
    assert used_bytes() - before < 20_000_000
    assert len(kept) == 1000
    assert anonymous_bytes() <= resident_bytes()
