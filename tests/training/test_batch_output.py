"""What a run has written stays, once; what another run has written is never mixed with it."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from service.base.http_errors import Conflict
from service.base.job_errors import Superseded
from service.base.refusals import DataRefused
from service.training.batch.run import Progress
from tests.training.batch_world import Watched, World, copying, rows_of, write_lists

FILES = 5


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, copying(tmp_path / "version"))
    for number in range(FILES):
        write_lists(made.source / "sub" / f"{number}.parquet", rows_of(100, start=number))
    return made


def manifest(world: World) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((world.target / "_kerasd.json").read_bytes())
    return record


def killed_after(files: int, rows: int = 30) -> Watched:
    def end(progress: Progress) -> None:
        if progress.rows >= files * 100 + rows:
            raise Killed

    return Watched(at_chunk=end)


def test_the_manifest_says_what_was_done(world: World) -> None:
    world.run()
    told = manifest(world)
    assert (told["model"], told["version"], told["sha256"]) == ("pets", 3, "f" * 64)
    assert told["options"]["keep"] == "all"
    assert list(told["files"]) == [f"sub/{number}.parquet" for number in range(FILES)]
    assert {record["rows"] for record in told["files"].values()} == {100}
    assert sorted(path.name for path in world.target.iterdir()) == ["_kerasd.json", "sub"]


def test_a_run_that_was_ended_goes_on_behind_the_last_finished_file(world: World) -> None:
    with pytest.raises(Killed):
        world.run(killed_after(2), batch_rows=10)
    first = {path.name: path.stat().st_mtime_ns for path in (world.target / "sub").iterdir()}
    assert sorted(first) == ["0.parquet", "1.parquet"]
    (world.target / "sub" / ".2.parquet.t.part").write_bytes(b"half of it")
    watched = Watched()
    done = world.run(watched, batch_rows=10, order={"token": "u"})
    assert (done.rows, done.files) == (500, 5)
    assert [name for name, _, _ in watched.files] == [
        f"sub/{number}.parquet" for number in (2, 3, 4)
    ]
    assert (watched.heard[0].rows, watched.heard[0].files) == (200, 2)
    for name, changed in first.items():
        assert (world.target / "sub" / name).stat().st_mtime_ns == changed
    assert not list(world.target.rglob("*.part"))
    world.run(order={"target": world.root / "whole"}, batch_rows=10)
    for path in (world.target / "sub").iterdir():
        assert path.read_bytes() == (world.root / "whole" / "sub" / path.name).read_bytes()


def test_a_finished_run_does_nothing_again(world: World) -> None:
    world.run()
    watched = Watched()
    assert world.run(watched, order={"token": "u"}).rows == 500
    assert watched.files == []


def test_a_file_that_has_changed_or_gone_is_done_again(world: World) -> None:
    world.run()
    write_lists(world.source / "sub" / "1.parquet", rows_of(7))
    (world.target / "sub" / "3.parquet").unlink()
    os.utime(world.source / "sub" / "4.parquet", (1, 1))
    watched = Watched()
    assert world.run(watched).rows == 407
    assert [name for name, _, _ in watched.files] == [
        f"sub/{number}.parquet" for number in (1, 3, 4)
    ]
    assert manifest(world)["files"]["sub/1.parquet"]["rows"] == 7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keep": "none"}, "with keep 'all' and not 'none'"),
        ({"batch_rows": 9}, "with batch_rows None and not 9"),
        ({"version": 4}, "with version 3 and not 4"),
    ],
)
def test_another_run_is_refused_unless_it_is_fresh(
    world: World, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(Killed):
        world.run(killed_after(2))
    (world.target / "sub" / "mine.txt").write_text("stays")
    options = dict(change)
    other = World(world.root, world.version, number=int(options.pop("version", 3)))
    with pytest.raises(Conflict, match=words):
        other.run(**options)
    assert other.run(order={"fresh": True, "run": "2"}, **options).rows == 500
    assert other.run(order={"fresh": True, "run": "2"}, **options).rows == 500
    assert (world.target / "sub" / "mine.txt").read_text() == "stays"
    told = manifest(world)
    assert (told["run"], told["version"]) == ("2", other.number)


def test_what_nobody_has_told_of_is_not_written_over(world: World) -> None:
    world.target.mkdir()
    (world.target / "sub").mkdir()
    (world.target / "sub" / "4.parquet").write_text("precious")
    with pytest.raises(Conflict, match=r"sub/4.parquet is there already"):
        world.run()
    assert sorted(path.name for path in world.target.rglob("*")) == ["4.parquet", "sub"]
    with pytest.raises(Conflict, match="name another output, or remove it"):
        world.run(order={"fresh": True})
    assert (world.target / "sub" / "4.parquet").read_text() == "precious"


def test_what_nobody_has_told_of_stays_when_an_input_of_its_name_comes(world: World) -> None:
    world.run()
    (world.target / "sub" / "5.parquet").write_text("precious")
    write_lists(world.source / "sub" / "5.parquet", rows_of(1))
    for fresh in (False, True):
        with pytest.raises(Conflict, match=r"sub/5.parquet is there already"):
            world.run(order={"fresh": fresh})
    assert (world.target / "sub" / "5.parquet").read_text() == "precious"
    assert len(list(world.target.rglob("*.parquet"))) == FILES + 1


def test_a_run_that_came_to_nothing_is_no_obstacle(world: World) -> None:
    (world.source / "0.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataRefused):
        world.run()
    (world.source / "0.csv").unlink()
    assert world.run(keep="none").rows == 500


def test_who_was_superseded_publishes_nothing_more(world: World) -> None:
    checks = iter([None, None, Superseded("j", 1)])

    def check() -> None:
        error = next(checks)
        if error is not None:
            raise error

    with pytest.raises(Superseded):
        world.run(Watched(at_check=check))
    assert sorted(path.name for path in (world.target / "sub").glob("*.parquet")) == [
        "0.parquet", "1.parquet",
    ]  # fmt: skip


def test_two_runs_that_differ_never_write_into_one_folder(world: World) -> None:
    def overtake(progress: Progress) -> None:
        if not progress.files and progress.rows:
            World(world.root, world.version, number=9).run(
                order={"fresh": True, "run": "other", "token": "o"}
            )

    with pytest.raises(Conflict, match="with version 9 and not 3"):
        world.run(Watched(at_chunk=overtake))
    versions = {
        version
        for path in (world.target / "sub").glob("*.parquet")
        for version in pq.read_table(path)["version"].to_pylist()
    }
    assert versions == {9}


def test_shards_share_the_files_and_the_last_one_writes_the_manifest(world: World) -> None:
    counts = [world.run(shard=(index, 3), order={"run": "r"}).rows for index in (1, 2)]
    assert counts == [200, 200]
    assert not any("rows" in record for record in manifest(world)["files"].values())
    names = sorted(path.name for path in world.target.iterdir())
    assert names == ["_kerasd-1-of-3.ndjson", "_kerasd-2-of-3.ndjson", "_kerasd.json", "sub"]
    assert world.run(shard=(2, 2)).rows == 200  # another number of jobs goes on just as well
    assert world.run(shard=(3, 3)).rows == 100
    assert len(manifest(world)["files"]) == FILES
    assert sorted(path.name for path in world.target.iterdir()) == ["_kerasd.json", "sub"]


def test_shards_of_a_fresh_run_begin_anew_once(world: World) -> None:
    world.run(keep="none")
    for index in (1, 2):
        world.run(shard=(index, 2), order={"run": "r", "fresh": True})
    assert len(manifest(world)["files"]) == FILES
    assert pq.read_table(world.target / "sub" / "0.parquet").num_columns == 6


def test_a_line_that_was_cut_off_is_no_line(world: World) -> None:
    with pytest.raises(Killed):
        world.run(killed_after(2))
    journal = world.target / "_kerasd-1-of-1.ndjson"
    journal.write_bytes(journal.read_bytes()[:-10])
    watched = Watched()
    assert world.run(watched, order={"token": "u"}).rows == 500
    assert len(watched.files) == 4
    assert {record["rows"] for record in manifest(world)["files"].values()} == {100}
    assert not journal.exists()


def test_a_file_without_its_line_is_written_again_and_no_obstacle(world: World) -> None:
    with pytest.raises(Killed):
        world.run(killed_after(2))
    (world.target / "sub" / "2.parquet").write_text("its process died before it told of it")
    world.run()
    assert world.table("sub/2.parquet").num_rows == 100
