"""A piece of work done in a process of its own, so that its imports take no memory of this one."""

import os
from collections.abc import Callable


def apart(work: Callable[[], str]) -> str | None:
    """What the work returns; none where it failed, which is told to nobody: it is met again.

    Called before this process has threads: the child is a copy of it.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(writing, work().encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read().decode()
    _, status = os.waitpid(child, 0)
    return told if status == 0 else None
