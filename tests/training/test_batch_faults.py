"""What a batch prediction refuses, or skips if asked, and what it leaves behind then."""

import json
import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.base.http_errors import StorageFull
from service.base.job_errors import Cancelled
from service.base.refusals import DataRefused
from service.recipe.data import Columns
from tests.training.batch_world import (
    REGRESSION,
    Watched,
    World,
    adding,
    copying,
    rows_of,
    write_lists,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, copying(tmp_path / "version"))


def test_features_are_named_where_they_cannot_be_told(world: World) -> None:
    world.source.mkdir()
    (world.source / "a.csv").write_text("id,a,b,c\n1,1,2,3\n")
    with pytest.raises(DataRefused, match="has 4 columns of numbers, but the model takes 3"):
        world.run()
    world.run(columns=Columns(ignore=("id",)), order={"fresh": True, "run": "2"})
    world.run(columns=Columns(features=("c", "b", "a")), order={"fresh": True, "run": "3"})
    assert '"[3,2,1]",0,ant,3' in (world.target / "a.csv").read_text()
    with pytest.raises(DataRefused, match="the column 'd' is missing"):
        world.run(columns=Columns(features=("d",)), order={"fresh": True, "run": "4"})


def test_bad_rows_are_named(world: World) -> None:
    values = rows_of(5000)
    values[[1234, 4000], 1] = np.nan
    write_lists(world.source / "a.parquet", values)
    with pytest.raises(DataRefused) as refused:
        world.run(batch_rows=1000)
    assert str(refused.value) == (
        "a.parquet: row 1235, column 2 ('x')[1]: is NaN; expected a finite number"
    )
    assert [path.name for path in world.target.iterdir()] == ["_kerasd.json"]


def test_bad_rows_are_skipped_with_their_reason(world: World) -> None:
    world.source.mkdir()
    lists = [[1, 2, 3], None, [1, 2], [4, 5, 6], [1, None, 3], [1, float("nan"), 2], [7, 8, 9]]
    pq.write_table(
        pa.table({"x": pa.array(lists, pa.list_(pa.float32()))}), world.source / "a.parquet"
    )
    done = world.run(skip_bad=True, prefix="p_")
    table = world.table()
    assert (done.rows, done.errors) == (7, 4)
    assert table["p_class_index"].to_pylist() == [2, None, None, 2, None, None, 2]
    assert table["p_scores"].to_pylist()[3] == [4, 5, 6]
    errors = table["p_error"].to_pylist()
    assert [error for error in errors if error] == [
        "row 2, column 1 ('x'): is empty; expected a list of numbers",
        "row 3, column 1 ('x'): has a list of 2; expected the shape (3,)",
        "row 5, column 1 ('x'): has an empty value in its list; expected a number",
        "row 6, column 1 ('x')[1]: is NaN; expected a finite number",
    ]
    assert table["x"].to_pylist()[2] == [1, 2]


def test_bad_cells_of_texts_are_named_by_line(world: World) -> None:
    world.source.mkdir()
    (world.source / "a.csv").write_text("a,b,c\n1,2,3\n1,x,3\n1,,3\n1,nan,3\n")
    (world.source / "b.ndjson").write_text('{"x": [1, 2, 3]}\n{"x": [1, "2", 3]}\n{"y": 1}\n')
    with pytest.raises(DataRefused, match=r"a.csv: line 3, column 2 \('b'\): is 'x'"):
        world.run()
    assert world.run(skip_bad=True, order={"fresh": True, "run": "2"}).errors == 5
    told = (world.target / "a.csv").read_text().splitlines()
    assert told[1] == '1,2,3,"[1,2,3]",2,cat,3,'
    assert told[2] == """1,x,3,,,,,"line 3, column 2 ('b'): is 'x'; expected a number\""""
    lines = [json.loads(line) for line in (world.target / "b.ndjson").read_text().splitlines()]
    assert [line["class_index"] for line in lines] == [2, None, None]
    assert lines[1]["error"].startswith("line 2, 'x'")
    nothing = dict.fromkeys(("scores", "class_index", "label", "version"))
    assert lines[2] == {"y": 1, **nothing, "error": lines[2]["error"]}


def test_a_whole_number_of_64_bits_is_a_number_and_one_beyond_is_a_bad_row(world: World) -> None:
    world.source.mkdir()
    rows = [{"a": 1, "b": number, "c": 3} for number in (2, 2**64 - 1, 2**64)]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (world.source / "a.ndjson").write_text(lines)
    with pytest.raises(DataRefused, match=r"a.ndjson: line 3, 'b': .* takes more than 64 bits"):
        world.run()
    assert world.run(skip_bad=True, keep="none").errors == 1
    told = [json.loads(line) for line in (world.target / "a.ndjson").read_text().splitlines()]
    assert [line["class_index"] for line in told] == [2, 1, None]


def test_a_link_out_of_the_data_folder_is_refused(world: World) -> None:
    write_lists(world.source / "a.parquet", rows_of(1))
    write_lists(world.root / "secret.parquet", rows_of(1))
    (world.source / "b.parquet").symlink_to(world.source / "a.parquet")
    assert world.run(order={"within": world.source}).files == 2
    (world.source / "c.parquet").symlink_to(world.root / "secret.parquet")
    with pytest.raises(DataRefused, match=r"c.parquet: is a link that leads out"):
        world.run(order={"within": world.source})
    assert world.run().files == 3


def test_names_that_collide_are_refused_with_a_way_out(world: World) -> None:
    world.source.mkdir()
    (world.source / "a.csv").write_text("a,b,c,label\n1,2,3,cat\n")
    with pytest.raises(DataRefused, match=r"has a column 'label' already; expected a prefix"):
        world.run()
    world.run(keep="none", order={"fresh": True, "run": "2"})
    world.run(prefix="new_", order={"fresh": True, "run": "3"})
    assert (world.target / "a.csv").read_text().startswith("a,b,c,label,new_scores,")


def test_a_later_row_s_own_key_is_never_written_over(world: World) -> None:
    world.source.mkdir()
    (world.source / "a.ndjson").write_text('{"x": [1, 2, 3]}\n{"x": [1, 2, 3], "scores": 7}\n')
    with pytest.raises(DataRefused, match=r"a.ndjson: line 2: has 'scores' already"):
        world.run(keep="others")
    world.run(keep="none")
    told = [json.loads(line) for line in (world.target / "a.ndjson").read_text().splitlines()]
    assert told[0] == told[1]


def test_labels_of_the_request_win(world: World) -> None:
    write_lists(world.source / "a.parquet", rows_of(4))
    with pytest.raises(DataRefused, match="label_names: 2 names for 3 classes"):
        world.run(label_names=("x", "y"))
    world.run(label_names=("x", "y", "z"), order={"fresh": True, "run": "2"})
    assert set(world.table()["label"].to_pylist()) <= {"x", "y", "z"}


def test_lists_of_different_lengths_need_a_declaration(tmp_path: Path) -> None:
    world = World(tmp_path, adding(tmp_path / "v", {"x": (None, None)}), REGRESSION)
    world.source.mkdir()
    pq.write_table(pa.table({"x": [[1.0], [1.0, 2.0]]}), world.source / "a.parquet")
    for skips in (False, True):
        with pytest.raises(DataRefused, match="section `sequences:`"):
            world.run(skip_bad=skips, order={"fresh": True, "run": str(skips)})


def test_who_is_cancelled_leaves_nothing_unfinished(world: World) -> None:
    for number in range(2):
        write_lists(world.source / f"{number}.parquet", rows_of(100))

    def cancel(progress: object) -> None:
        if watched.heard[-1].rows >= 150:
            raise Cancelled("j")

    watched = Watched(at_chunk=cancel)
    with pytest.raises(Cancelled):
        world.run(watched, batch_rows=10)
    names = sorted(path.name for path in world.target.iterdir())
    assert names == ["0.parquet", "_kerasd-1-of-1.ndjson", "_kerasd.json"]


@pytest.mark.parametrize("kind", ["parquet", "csv", "ndjson"])
def test_a_disk_that_is_full_is_told_and_nothing_is_left(world: World, kind: str) -> None:
    write_lists(world.source / "a.parquet", rows_of(5000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StorageFull, match="no room in the folder of the predictions"):
            world.run(format=kind)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in world.target.iterdir()] == ["_kerasd.json"]
