"""All that is captured of a model, as any reader sees it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from service.capture.decoding import ID, CapturedRows
from service.capture.reader import hours, read_rows, reading

NOBODY = np.zeros(0, ID)


def captured(
    capture_dir: Path, model: str, forgotten: Callable[[], np.ndarray] = lambda: NOBODY
) -> Iterator[CapturedRows]:
    """Its rows, in batches; `forgotten` is asked again for each file."""
    folder = capture_dir / model
    with reading(folder):
        for found in hours(folder):
            for file in found:
                yield from read_rows(file, forgotten)
