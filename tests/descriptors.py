"""A process that may open no more files, sockets among them, for tests."""

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress


@contextmanager
def no_descriptors() -> Iterator[None]:
    """What is open stays open; whatever else this process would open fails with EMFILE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        most = max(int(name) for name in os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (most + 1, hard))
        with suppress(OSError):
            while True:  # the gaps between those that are open
                stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        yield
