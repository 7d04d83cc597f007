"""A process that sweeps once: python -m tests.capture.sweeping FOLDER NOW FORGOTTEN...

It says when it begins and when it has ended.
"""

import sys
from pathlib import Path

from service.capture.arrow import pyarrow
from service.capture.sweep import Bounds, Sweep
from tests.capture.made import ids


def main() -> None:
    """One sweep, with time in milliseconds and names of predictions to be forgotten."""
    folder, now, *gone = sys.argv[1:]
    pyarrow()
    sweep = Sweep(Path(folder), lambda _model: ids(*gone))
    print("begins", flush=True)
    sweep.step(int(now) / 1000, lambda _model: Bounds(30, 1 << 40))
    print("swept", flush=True)


if __name__ == "__main__":
    main()
