"""Arrow, loaded when it is first needed: most workers never capture anything."""

from functools import cache
from typing import Any


@cache
def pyarrow() -> Any:
    """The package, with its Parquet half. Raises ModuleNotFoundError where it isn't installed.

    Memory comes from malloc: Arrow's own allocator reserves gigabytes of addresses, of which a
    worker may have few.
    """
    import pyarrow as pa
    import pyarrow.parquet

    pa.set_memory_pool(pa.system_memory_pool())
    return pa
