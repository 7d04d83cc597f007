"""The good data set that most data cases are made of, in every format."""

import json

import numpy as np

from tests.attacks.case import Case, Corpus
from tests.attacks.family import CONTROL

ROWS = np.arange(40, dtype="f4").reshape(10, 4)
TRUTH = np.arange(10) % 2
HEADER = "a,b,c,d,label"


def csv_text() -> str:
    """The rows as CSV, the label last."""
    lines = [
        ",".join([*(str(value) for value in row), str(label)])
        for row, label in zip(ROWS, TRUTH, strict=True)
    ]
    return "\n".join([HEADER, *lines]) + "\n"


def add_good_data(corpus: Corpus) -> None:
    """Write it as NumPy archive, CSV and JSON."""
    np.savez(corpus.data / "ok.npz", x=ROWS, y=TRUTH)
    (corpus.data / "ok.csv").write_text(csv_text())
    record = {"x": ROWS.tolist(), "y": TRUTH.tolist()}
    (corpus.data / "ok.json").write_text(json.dumps(record))
    for suffix in ("npz", "csv", "json"):
        draft = Case(f"data_ok_{suffix}", CONTROL, "-", "accept", "load")
        corpus.add(draft, corpus.data / f"ok.{suffix}")
