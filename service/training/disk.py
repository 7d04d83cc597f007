"""Whether an error means that the disk is full, whoever has met it: Python, HDF5 or TensorFlow."""

from collections.abc import Iterator

from service.base.durable import FULL

SAID = (
    "no space left on device",
    "database or disk is full",
    "disk quota exceeded",
    "file too large",
    "errno = 28",
)


def is_disk_full(error: BaseException) -> bool:
    """True if the error, or what it came of, is a lack of room."""
    return any(
        (isinstance(each, OSError) and each.errno in FULL)
        or any(said in str(each).lower() for said in SAID)
        for each in _causes(error)
    )


def is_memory_short(error: BaseException) -> bool:
    """True if the process may not have as much memory as it needs."""
    return any(
        isinstance(each, MemoryError) or type(each).__name__ == "ResourceExhaustedError"
        for each in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in seen:
        yield each
        seen.append(each)
        each = each.__cause__ or each.__context__
