"""Every row is in one unit, every unit is one job's, and nothing is written where it is read."""

from pathlib import Path

import pytest

from service.base.http_errors import Conflict
from service.base.refusals import DataRefused
from service.recipe.batch import BatchOptions, Shard
from service.training.batch.plan import Plan, make_plan
from tests.training.batch_world import World, copying, rows_of, write_lists

ALL = BatchOptions()


def plan(folder: Path, of: int = 1, options: BatchOptions = ALL, target: str = "out") -> Plan:
    shard = Shard(index=1, of=of) if of > 1 else None
    return make_plan(folder / "in", folder / target, options, shard)


@pytest.mark.parametrize("of", [2, 3, 4, 7])
def test_one_big_file_is_split_by_its_row_groups(tmp_path: Path, of: int) -> None:
    write_lists(tmp_path / "in" / "big.parquet", rows_of(230), row_group_size=50)
    made = plan(tmp_path, of)
    count = min(of, 5)
    assert made.parts == count == len(made.units)
    spans = [unit.span for unit in made.units]
    ends = [span.stop for span in spans if span is not None]
    assert [span.start for span in spans if span is not None] == [0, *ends[:-1]]
    assert ends[-1] == 5
    assert made.units[0].output == f"big-00001-of-{count:05}.parquet"
    taken = [len(made.share(Shard(index=index + 1, of=of))) for index in range(of)]
    assert taken == [1] * count + [0] * (of - count)


def test_all_parts_together_are_the_whole(tmp_path: Path) -> None:
    world = World(tmp_path, copying(tmp_path / "version"))
    write_lists(world.source / "big.parquet", rows_of(230), row_group_size=50)
    for index in (1, 2, 3, 4):
        world.run(shard=(index, 4))
    ids = [
        row
        for number in (1, 2, 3, 4)
        for row in world.table(f"big-{number:05}-of-00004.parquet")["id"].to_pylist()
    ]
    assert ids == list(range(230))
    with pytest.raises(Conflict, match="parts 4 and not 2"):
        world.run(shard=(1, 2))


def test_a_folder_gives_what_ends_as_data_does(tmp_path: Path) -> None:
    for name in ("b.CSV", "a.parquet", "c.jsonl", "README.md", "_notes.csv", ".x.csv", "d/e.csv",
                 "_old/f.csv"):  # fmt: skip
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert [unit.output for unit in plan(tmp_path).units] == [
        "a.parquet", "b.CSV", "c.jsonl", "d/e.csv",
    ]  # fmt: skip
    written = plan(tmp_path, options=BatchOptions(format="ndjson")).units
    assert [unit.output for unit in written] == [
        "a.ndjson", "b.ndjson", "c.jsonl", "d/e.ndjson",
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["in", "in/out", "."])
def test_nothing_is_written_into_what_is_read(tmp_path: Path, target: str) -> None:
    write_lists(tmp_path / "in" / "a.parquet", rows_of(1))
    with pytest.raises(Conflict, match="lies in what is read"):
        plan(tmp_path, target=target)


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="in: is not there"):
        plan(tmp_path)
    (tmp_path / "in").mkdir()
    with pytest.raises(DataRefused, match="has no files to predict"):
        plan(tmp_path)
    write_lists(tmp_path / "in" / "a.parquet", rows_of(1))
    (tmp_path / "in" / "a.csv").write_text("x\n")
    with pytest.raises(Conflict, match=r"a.csv and a.parquet would both be written as a.ndjson"):
        plan(tmp_path, options=BatchOptions(format="ndjson"))
    (tmp_path / "out").write_text("")
    with pytest.raises(Conflict, match="out is a file, but in is a folder"):
        plan(tmp_path)
    (tmp_path / "x").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataRefused, match="is NPZ"):
        make_plan(tmp_path / "x", tmp_path / "y", ALL, None)


@pytest.mark.parametrize(
    "name", ["_kerasd.json", "a.csv.kerasd.json", "_kerasd-1-of-2.ndjson", "a.kerasd-1-of-1.ndjson"]
)
def test_predictions_cannot_pass_for_what_a_run_tells_of_itself(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ndjson").write_text("{}")
    with pytest.raises(Conflict, match="is called as what a run tells of itself"):
        make_plan(tmp_path / "in" / "a.ndjson", tmp_path / name, ALL, None)


def test_a_file_is_written_as_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x,y\n1,2\n")
    for name, kind in (("o.parquet", "parquet"), ("o.jsonl", "ndjson"), ("o", "csv")):
        made = make_plan(tmp_path / "a.txt", tmp_path / name, ALL, None)
        assert (made.units[0].kind, made.units[0].output, made.folder) == (kind, name, tmp_path)
    (tmp_path / "d").mkdir()
    assert make_plan(tmp_path / "a.txt", tmp_path / "d", ALL, None).units[0].output == "a.txt"
