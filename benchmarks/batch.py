"""One command that measures batch predictions: `python -m benchmarks.batch`."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks import batch_table, machine, report
from benchmarks.batch_contestants import KERASD, KERASD_ALL, NAMES, PREDICT, Figures
from benchmarks.phase import say

ROUNDS, ROWS, FILES = 3, 500_000, 10
PLACE = ("<!-- batch begin -->", "<!-- batch end -->")
AGREE = 1e-4


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant once: what it says of itself, and how long its process lived."""

    figures: Figures
    life_s: float


def main() -> None:
    """Measure, and print the table; what is going on goes to the standard error."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _options()
    here = str(machine.look())
    if options.write:
        report.require_place(options.write, PLACE)
    try:
        with tempfile.TemporaryDirectory(prefix="kerasd-benchmark-", dir=options.scratch) as top:
            folder = options.scratch or Path(top)
            found = measure(folder, Path(top), options.rows, options.files, options.rounds)
    except (subprocess.CalledProcessError, ValueError) as error:
        sys.exit(f"benchmark failed: {error}")
    text = batch_table.document(here, found)
    print(text)
    if options.json:
        runs = {name: [[*map(float, _flat(run))] for run in runs] for name, runs in found.items()}
        options.json.write_text(json.dumps({"machine": here, "batch": runs}, indent=1) + "\n")
    if options.write:
        report.write_place(options.write, text, PLACE)


def measure(
    folder: Path, top: Path, rows: int, files: int, rounds: int
) -> Mapping[str, Sequence[Run]]:
    """All contestants in turns over the same files; what they answer is compared once."""
    say(f"making {files} files of {rows // files} rows")
    _python("benchmarks.batch_files", str(folder), str(rows), str(files))
    found: dict[str, list[Run]] = {name: [] for name in NAMES}
    for number in range(rounds):
        for name in NAMES:
            say(f"round {number + 1} of {rounds}: {name}")
            out = top / "out"
            shutil.rmtree(out, ignore_errors=True)
            began = time.perf_counter()
            told = _python("benchmarks.batch_contestants", name, str(folder), str(out))
            found[name].append(Run(Figures(**json.loads(told)), time.perf_counter() - began))
            if number == 0 and name in (KERASD, KERASD_ALL, PREDICT):
                out.rename(top / name)
    _check_agree(top / KERASD, top / PREDICT, rows)
    _check_agree(top / KERASD_ALL, top / PREDICT, rows)
    return found


def _python(module: str, *arguments: str) -> str:
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=environment, check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return ran.stdout.strip().rpartition("\n")[2]


def _check_agree(ours: Path, theirs: Path, rows: int) -> None:
    """The same rows in the same order, with the same scores. Raises ValueError."""
    tables = [pq.ParquetDataset(folder).read(columns=["id", "scores"]) for folder in (ours, theirs)]
    if tables[0]["id"] != tables[1]["id"] or len(tables[0]) != rows:
        raise ValueError("the answers are not of the same rows")
    scores = [table["scores"].combine_chunks().flatten().to_numpy() for table in tables]
    if not np.allclose(scores[0], scores[1], atol=AGREE):
        raise ValueError("the answers differ")


def _flat(run: Run) -> tuple[float, ...]:
    one = run.figures
    return one.rows, one.work_s, one.cpu_s, one.peak_mb, run.life_s


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each ({ROUNDS})")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"how many ({ROWS})")
    parser.add_argument("--files", type=int, default=FILES, help=f"how many ({FILES})")
    parser.add_argument(
        "--scratch", type=Path, metavar="FOLDER",
        help="keep the files here for the next time (1.4 GB); as much again is written",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write every figure here")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    given = parser.parse_args()
    if given.scratch is not None:
        given.scratch.mkdir(parents=True, exist_ok=True)
    return given


if __name__ == "__main__":
    main()
