"""The first moments of a job's process: it limits itself, steps back behind whoever serves, and
becomes the program.

Run as `python -m service.jobs.launch PARENT ADDRESS_SPACE PLACE THREADS PROGRAM ...`.
"""

import os
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from service.base.confinement import die_with_parent
from service.jobs.slices import ask_for_long_slices

# A neighbour that works 0.4 ms at a time, on processors that jobs keep busy: p99 of 3.7 ms beside
# jobs of its own priority, 0.56 at nice 19, 0.49 with SCHED_BATCH besides, 0.68 with SCHED_IDLE
# instead; the jobs come to the same. Where no processor is free, nice 19 leaves a job 1.5 % of one,
# SCHED_IDLE 0.3 %: too little to show that it lives.
NICE = 19
MOST_WANTED = "1000"  # by the kernel, when memory has ended


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


def step_back() -> None:
    """Have the kernel give processor and memory to everybody else first."""
    with suppress(OSError):
        os.nice(NICE)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    ask_for_long_slices(NICE)
    # Where the kernel groups processes by session, nice counts within a session only, and this one
    # is the leader of its own: without this it gets half of a busy processor.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE))
    with suppress(OSError):  # a process may always offer itself
        Path("/proc/self/oom_score_adj").write_text(MOST_WANTED)


if __name__ == "__main__":
    main(sys.argv[1:])
