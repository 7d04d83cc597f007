"""A child process reads one data file and leaves its arrays, or the reason."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.confinement import Limits
from service.base.settings import bare_environment
from service.data.dataset import DataLimits
from service.data.stored import open_dataset
from tests.data.made import (
    FEATURES,
    LABELS,
    expected,
    signature,
    table_columns,
    write_csv,
    write_npz,
    write_parquet,
)

pytestmark = pytest.mark.slow

MIB = 1024 * 1024


def run(folder: Path, path: Path, width: int = 4, memory: int = 1024 * MIB) -> dict[str, Any]:
    limits = Limits(address_space=memory, cpu_s=60, file_size=1024 * MIB)
    task = {
        "file": str(path),
        "expected": expected(signature=signature((width,))).as_json(),
        "data_limits": asdict(DataLimits()),
        "limits": asdict(limits),
        "parent": os.getpid(),
    }
    (folder / "task.json").write_text(json.dumps(task))
    subprocess.run(
        [sys.executable, "-P", "-m", "service.data.child", str(folder)],
        env=bare_environment(folder),
        check=True,
    )
    result: dict[str, Any] = json.loads((folder / "result.json").read_bytes())
    return result


@pytest.mark.parametrize("name", ["rows.npz", "rows.parquet", "rows.csv"])
def test_leaves_the_arrays_of_a_good_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    match path.suffix:
        case ".npz":
            write_npz(path, x=FEATURES, y=LABELS)
        case ".parquet":
            write_parquet(path, table_columns())
        case _:
            write_csv(path, "a,b,c,d,y\n" + "0,1,2,3,0\n4,5,6,7,1\n")

    result = run(tmp_path, path)

    assert result["ok"]
    dataset = open_dataset(tmp_path / "dataset", result["dataset"])
    assert np.array_equal(dataset.inputs["input"], FEATURES[: dataset.rows])
    assert dataset.labels.tolist() == LABELS[: dataset.rows].tolist()
    assert not list(tmp_path.glob("*.part"))


def test_leaves_the_reason_for_a_bad_file(tmp_path: Path) -> None:
    result = run(tmp_path, write_csv(tmp_path / "rows.csv", "a,y\n1,cat\n"), width=1)

    assert (result["ok"], result["code"]) == (False, "bad_data")
    assert result["message"].startswith("rows.csv: line 2, column 2 ('y'): is 'cat'")
    assert not (tmp_path / "dataset").exists()


def test_says_so_when_its_memory_ends(tmp_path: Path) -> None:
    features = np.random.default_rng(0).random((2_000_000, 20), np.float32)
    path = write_npz(tmp_path / "rows.npz", x=features, y=np.arange(len(features)) % 2)

    result = run(tmp_path, path, width=20, memory=256 * MIB)

    assert (result["ok"], result["code"]) == (False, "bad_data")
    assert "needs more than 256 MiB" in result["message"]
