"""A full disk and too little memory are known, whoever has met them."""

import errno

import pytest

from service.training.disk import is_disk_full, is_memory_short

HDF5 = "Can't synchronously write data (file write failed: errno = 28, error message = 'No space'"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "no"),
        OSError(errno.EDQUOT, "no"),
        OSError(HDF5),
        RuntimeError("events.out.tfevents: No space left on device"),
        ValueError("(sqlite3.OperationalError) database or disk is full"),
    ],
    ids=str,
)
def test_a_full_disk_is_known(error: Exception) -> None:
    outer = KeyError("checkpoint")
    outer.__cause__ = error

    assert is_disk_full(error)
    assert is_disk_full(outer)
    assert not is_memory_short(error)


def test_too_little_memory_is_known() -> None:
    assert is_memory_short(MemoryError())
    assert not is_disk_full(MemoryError())
    assert not is_disk_full(OSError(errno.EACCES, "no"))
