"""Which files a run is about, and what its output is bound to."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from service.base.http_errors import Conflict
from service.base.refusals import DataRefused
from service.repository.model_config import ModelConfig
from service.training.batch.run import Progress
from tests.training.batch_world import Watched, World, copying, rows_of, write_lists


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, copying(tmp_path / "version"))
    for name in "abcd":
        write_lists(made.source / f"{name}.parquet", rows_of(10))
    return made


def manifest(world: World) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((world.target / "_kerasd.json").read_bytes())
    return record


def written(world: World) -> list[str]:
    return sorted(path.name for path in world.target.glob("*.parquet"))


def test_jobs_share_the_files_that_were_there_when_the_first_began(world: World) -> None:
    first = world.run(shard=(1, 2))
    write_lists(world.source / "aa.parquet", rows_of(10))
    second = world.run(shard=(2, 2))
    assert (first.files, first.is_complete) == (2, False)
    assert (second.files, second.is_complete) == (2, True)
    assert written(world) == [f"{name}.parquet" for name in "abcd"]
    assert world.run().files == 5
    assert list(manifest(world)["files"]) == sorted(written(world))
    assert len(written(world)) == 5


def test_for_a_job_that_comes_when_all_is_finished_nothing_is_left(world: World) -> None:
    for number in range(1, 9):
        world.run(shard=(number, 9))
    told = manifest(world)
    write_lists(world.source / "aa.parquet", rows_of(10))
    (world.source / "b.parquet").unlink()

    last = world.run(shard=(9, 9))

    assert (last.files, last.is_complete) == (0, True)
    assert manifest(world) == told


def test_jobs_end_where_a_file_has_gone_since_the_first_began(world: World) -> None:
    world.run(shard=(1, 2))
    (world.source / "b.parquet").unlink()
    with pytest.raises(Conflict, match=r"^\.\./in no longer has 1 of .* b.parquet"):
        world.run(shard=(2, 2))
    assert world.run(shard=(1, 2), order={"run": "again"}).files == 2
    assert world.run(shard=(2, 2), order={"run": "again"}).is_complete


def test_jobs_end_where_a_file_has_changed_since_the_first_began(world: World) -> None:
    world.run(shard=(1, 2))
    os.utime(world.source / "b.parquet", (1, 1))
    with pytest.raises(DataRefused, match=r"b.parquet: has changed since the run began"):
        world.run(shard=(2, 2))
    assert world.run().is_complete


def test_predictions_for_what_has_gone_are_not_left_beside_the_others(world: World) -> None:
    world.run()
    (world.source / "b.parquet").unlink()
    with pytest.raises(Conflict, match="no longer has 1 of the files that out is made of"):
        world.run()
    assert world.run(order={"fresh": True}).files == 3
    assert written(world) == ["a.parquet", "c.parquet", "d.parquet"]


def test_who_removes_them_himself_may_go_on(world: World) -> None:
    world.run()
    for folder in (world.source, world.target):
        (folder / "b.parquet").unlink()
    assert world.run().files == 3
    assert list(manifest(world)["files"]) == written(world)


def test_an_output_is_of_one_input(world: World) -> None:
    world.run()
    other = world.root / "other"
    write_lists(other / "a.parquet", rows_of(5))
    with pytest.raises(Conflict, match=r"with input '\.\./in' and not '\.\./other'"):
        world.run(order={"source": other})
    assert world.run(order={"source": other, "fresh": True}).rows == 5
    assert written(world) == ["a.parquet"]


def test_another_file_of_the_same_size_and_time_is_another_input(world: World) -> None:
    for name, text in (("a.csv", "1,2,3"), ("b.csv", "7,8,9")):
        (world.root / name).write_text(f"a,b,c\n{text}\n")
        os.utime(world.root / name, (1, 1))
    target = world.root / "out.csv"
    world.run(order={"source": world.root / "a.csv", "target": target})
    with pytest.raises(Conflict, match=r"with input 'a.csv' and not 'b.csv'"):
        world.run(order={"source": world.root / "b.csv", "target": target})


def test_an_output_has_one_set_of_labels(world: World) -> None:
    world.run(shard=(1, 2))
    config = ModelConfig(task="multiclass", labels=("X", "Y", "Z"))
    renamed = World(world.root, world.version, config)
    with pytest.raises(Conflict, match=r"with labels \['ant', 'bee', 'cat'\] and not \['X', 'Y'"):
        renamed.run(shard=(2, 2))
    assert renamed.run(order={"fresh": True}).files == 4
    assert set(world.table()["label"].to_pylist()) <= {"X", "Y", "Z"}


def test_a_run_whose_files_are_taken_away_does_not_succeed(world: World) -> None:
    def remove(progress: Progress) -> None:
        if progress.files == 2:
            (world.target / "a.parquet").unlink(missing_ok=True)

    with pytest.raises(Conflict, match="out isn't complete"):
        world.run(Watched(at_chunk=remove))


def test_a_run_does_not_end_what_another_one_has_begun(world: World) -> None:
    def overtake(progress: Progress) -> None:
        if progress.files == 1:
            write_lists(world.source / "z.parquet", rows_of(10))
            world.run(shard=(1, 9), order={"run": "other"})

    with pytest.raises(Conflict, match="another run has begun there"):
        world.run(Watched(at_chunk=overtake))
    assert "z.parquet" in manifest(world)["files"]
    assert world.run().files == 5
