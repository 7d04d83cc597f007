"""The first moments of a job's process: it limits itself, steps back behind whoever serves, and
becomes the program.

Run as `python -m service.jobs.launch PARENT ADDRESS_SPACE PLACE THREADS PROGRAM ...`.
"""

import os
import resource
import sys
from collections.abc import Sequence

from service.base.confinement import die_with_parent
from service.jobs.priority import step_back


def main(arguments: Sequence[str]) -> None:
    """Limit this process for good; all of it stays when the process becomes another program."""
    parent, address_space, place, threads, *argv = arguments
    die_with_parent(int(parent))
    resource.setrlimit(resource.RLIMIT_AS, (int(address_space), int(address_space)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    keep_to_some_processors(int(place), int(threads))
    step_back()
    os.execvp(argv[0], list(argv))  # noqa: S606 (an argv of our own)


def keep_to_some_processors(place: int, threads: int) -> None:
    """Run on no more processors than threads were asked for, with all that this process starts.

    What runs beside it has another `place` and so, as long as there are enough, others of them.
    """
    free = sorted(os.sched_getaffinity(0))
    if threads < len(free):
        first = place * threads
        os.sched_setaffinity(0, {free[-1 - (first + at) % len(free)] for at in range(threads)})


if __name__ == "__main__":
    main(sys.argv[1:])
