"""A child process reads data files and leaves the facts and the rows, or the reason."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.child import Child
from service.base.confinement import Limits
from service.base.refusals import DataRefused
from service.data.checking import check_data
from service.data.child import DATA
from service.data.places import DataPlaces
from service.data.reading_task import PROGRAM, facts_of, start_reading, task_of
from service.data.stored import open_divided
from service.recipe.data import DataRequest, LabelledData
from tests.data.made import FEATURES, LABELS, expected, signature, write_csv, write_npz

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
REQUEST = DataRequest.model_validate({"file": "rows.csv", "split": {"by": "stratified"}})


def wait(child: Child) -> Any:
    while (outcome := child.poll(time.monotonic())) is None:
        time.sleep(0.02)
    return outcome


def test_leaves_the_rows_of_a_good_file(tmp_path: Path) -> None:
    rows = "".join(f"{n},1,2,3,{n % 2}\n" for n in range(40))
    path = write_csv(tmp_path / "rows.csv", "a,b,c,d,y\n" + rows)
    write_npz(tmp_path / "held.npz", x=FEATURES, y=LABELS)
    request = REQUEST.model_copy(update={"held_out_file": "held.npz"})
    places = DataPlaces(tmp_path / "none", tmp_path)

    task = task_of(request, places, 1, keep=True)
    child = start_reading(task, expected(), places, tmp_path / "scratch", 60, time.monotonic())
    facts = facts_of(wait(child), request)
    parts, kept = open_divided(child.folder / DATA)

    assert kept == facts
    assert facts["parts"] == {"train": 34, "validation": 6, "held_out": 10}
    assert facts["source"]["file"]["bytes"] == path.stat().st_size
    assert facts["source"]["held_out_file"]["name"] == "held.npz"
    assert np.array_equal(parts["held_out"].inputs["input"], FEATURES)
    learnt = np.concatenate([parts[name].inputs["input"] for name in ("train", "validation")])
    assert sorted(learnt[:, 0].tolist()) == list(range(40))
    child.clean()


def test_a_check_tells_the_facts_and_keeps_nothing(tmp_path: Path) -> None:
    rows = "".join(f"{n},1,2,3,{n % 2}\n" for n in range(40))
    write_csv(tmp_path / "rows.csv", "a,b,c,d,y\n" + rows)
    places, scratch = DataPlaces(tmp_path / "none", tmp_path), tmp_path / "scratch"

    facts = check_data(REQUEST, expected(), places, scratch)
    alone = check_data(LabelledData(file="rows.csv"), expected(), places, scratch)
    with pytest.raises(DataRefused, match=r"too few are left for held_out .*; expected at least 7"):
        check_data(REQUEST, expected(), places, scratch, held_out_rows=7)
    with pytest.raises(DataRefused, match="takes too long to be read"):
        check_data(REQUEST, expected(), places, scratch, timeout_s=0.0001)

    assert facts["counts"]["validation"] == {"0": 3, "1": 3}
    assert alone["parts"] == {"held_out": 40}
    assert [path for path in scratch.rglob("*") if path.is_file()] == []


def test_files_whose_columns_would_fill_the_inputs_otherwise_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{n},1,2,3,{n % 2}\n" for n in range(40))
    write_csv(tmp_path / "rows.csv", "a,b,c,d,y\n" + rows)
    write_csv(tmp_path / "held.csv", "b,a,c,d,y\n" + rows)
    places = DataPlaces(tmp_path / "none", tmp_path)
    request = REQUEST.model_copy(update={"held_out_file": "held.csv"})
    by_name = expected(columns=("a", "b", "c", "d"))

    with pytest.raises(DataRefused, match=r"held.csv: has the feature 'b' where .* have 'a'; exp"):
        check_data(request, expected(), places, tmp_path / "scratch")

    assert check_data(request, by_name, places, tmp_path / "scratch")["parts"]["held_out"] == 40


def test_a_check_tells_every_fault(tmp_path: Path) -> None:
    write_csv(tmp_path / "rows.csv", "a,b,c,d,y\n1,2,3,4,cat\n1,2,nan,4,0\n1,2,3,4,dog\n")
    places = DataPlaces(tmp_path / "none", tmp_path)

    with pytest.raises(DataRefused) as caught:
        check_data(REQUEST, expected(), places, tmp_path / "scratch")

    text = str(caught.value)
    assert text.startswith("rows.csv: line 3, column 3 ('c'): is 'nan'; expected a number.")
    assert text.endswith("1 values that aren't numbers (line 3); 2 unknown labels (lines 2, 4)")


def test_says_so_when_its_memory_ends(tmp_path: Path) -> None:
    features = np.random.default_rng(0).random((2_000_000, 20), np.float32)
    write_npz(tmp_path / "rows.npz", x=features, y=np.arange(len(features)) % 2)
    places, request = DataPlaces(tmp_path / "none", tmp_path), LabelledData(file="rows.npz")
    wanted = expected(signature=signature((20,)))
    task = {
        **task_of(request, places, 1, keep=False),
        "expected": wanted.as_json(),
        "data_limits": {},
    }

    limits = Limits(256 * MIB, 60, 1024 * MIB)
    child = Child(task, limits, 60, tmp_path / "scratch", time.monotonic(), PROGRAM)
    with pytest.raises(DataRefused, match="needs more than 256 MiB to be read"):
        facts_of(wait(child), request)
    child.clean()
