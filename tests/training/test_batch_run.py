"""Files of every kind go through a version: the same rows come out, with their predictions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from service.base.compiled import SAVED_MODEL, digest_tree
from service.base.http_errors import Conflict
from service.base.sequences import Sequences
from service.base.signature import Signature, TensorSpec
from service.recipe.data import Columns
from service.repository.model_config import ModelConfig
from tests.runtime.models import record
from tests.training.batch_world import (
    LABELS,
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


def test_the_same_columns_come_out_with_four_more(world: World) -> None:
    values = rows_of(1000)
    write_lists(world.source / "a.parquet", values)
    done = world.run()
    table = world.table()
    assert table.column_names == ["id", "x", "scores", "class_index", "label", "version"]
    assert table["id"].to_pylist() == list(range(1000))
    assert table["x"].type == pa.list_(pa.float32(), 3)
    scores = np.array(table["scores"].to_pylist(), np.float32)
    np.testing.assert_array_equal(scores, values)
    best = values.argmax(axis=1)
    assert table["class_index"].to_pylist() == best.tolist()
    assert table["label"].to_pylist() == [LABELS[index] for index in best]
    assert set(table["version"].to_pylist()) == {3}
    assert [str(table.schema.field(name).type) for name in table.column_names[2:]] == [
        "list<element: float>", "int32", "string", "int32",
    ]  # fmt: skip
    assert (done.rows, done.errors, done.files, done.files_total) == (1000, 0, 1, 1)


@pytest.mark.parametrize("threads", [1, 3])
def test_how_many_rows_are_run_at_once_changes_nothing(world: World, threads: int) -> None:
    for number in range(3):
        write_lists(world.source / f"{number}.parquet", rows_of(500, start=number), number * 500)
    world.run(order={"threads": threads}, batch_rows=7)
    watched = Watched()
    World(world.root, world.version).run(
        watched, order={"target": world.root / "other", "threads": threads}
    )
    for number in range(3):
        ours = world.table(f"{number}.parquet")
        assert ours.equals(pq.read_table(world.root / "other" / f"{number}.parquet"))
        assert ours["id"].to_pylist() == list(range(number * 500, number * 500 + 500))
    assert watched.heard[-1].bytes == watched.heard[-1].bytes_total
    assert [name for name, _, _ in watched.files] == ["0.parquet", "1.parquet", "2.parquet"]


def test_csv_stays_as_it_was(world: World) -> None:
    world.source.mkdir()
    (world.source / "a.csv").write_text(
        'code,a,b,c,note\nK07,1,2.50,3e-1,"say ""hi"", you"\nK08,0.5, 0.25 ,0,\n'
    )
    world.run()
    assert (world.target / "a.csv").read_text() == (
        "code,a,b,c,note,scores,class_index,label,version\n"
        'K07,1,2.50,3e-1,"say ""hi"", you","[1,2.5,0.3]",1,bee,3\n'
        'K08,0.5," 0.25 ",0,,"[0.5,0.25,0]",0,ant,3\n'
    )


def test_ndjson_keeps_each_row_s_own_keys(world: World) -> None:
    world.source.mkdir()
    lines: list[dict[str, Any]] = [
        {"x": [0.5, 1, 0.1], "who": {"name": "é"}},
        {"x": [1, 2, 3], "more": [1, "a"]},
    ]
    (world.source / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    world.run(prefix="p_")
    written = (world.target / "a.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in written] == [
        {**line, "p_scores": scores, "p_class_index": index, "p_label": label, "p_version": 3}
        for line, scores, index, label in zip(
            lines, ([0.5, 1.0, 0.1], [1.0, 2.0, 3.0]), (1, 2), ("bee", "cat"), strict=True
        )
    ]
    assert '"p_scores":[0.5,1.0,0.1]' in written[0]


def test_one_format_becomes_another(world: World) -> None:
    world.source.mkdir()
    (world.source / "a.csv").write_text("code,a,b,c\nK07,1,2,3\nK08,0.5,0.25,0\n")
    (world.source / "b.ndjson").write_text('{"a": 1, "b": 2, "c": 3, "code": "7"}\n')
    world.run(format="parquet", columns=Columns(ignore=("code",)))
    table = world.table()
    assert [str(field.type) for field in table.schema][:4] == [
        "string",
        "double",
        "double",
        "double",
    ]
    assert table["code"].to_pylist() == ["K07", "K08"]
    assert world.table("b.parquet")["code"].to_pylist() == ["7"]
    world.run(format="csv", order={"source": world.target, "target": world.root / "back"},
              columns=Columns(features=("a", "b", "c")), prefix="again_")  # fmt: skip
    back = pa_csv.read_csv(world.root / "back" / "a.csv")
    assert (
        back["scores"].to_pylist()
        == back["again_scores"].to_pylist()
        == ["[1,2,3]", "[0.5,0.25,0]"]
    )
    world.run(format="ndjson", order={"target": world.root / "lines"},
              columns=Columns(ignore=("code",)), keep="others")  # fmt: skip
    first = json.loads((world.root / "lines" / "a.ndjson").read_text().splitlines()[0])
    assert first == {
        "code": "K07",
        "scores": [1, 2, 3],
        "class_index": 2,
        "label": "cat",
        "version": 3,
    }


def test_a_file_becomes_a_file(world: World) -> None:
    write_lists(world.root / "in.parquet", rows_of(10))
    source, target = world.root / "in.parquet", world.root / "made" / "out.csv"
    world.run(order={"source": source, "target": target}, keep="none")
    assert target.read_text().startswith("scores,class_index,label,version\n")
    assert sorted(path.name for path in target.parent.iterdir()) == [
        "out.csv",
        "out.csv.kerasd.json",
    ]
    with pytest.raises(Conflict, match="holds predictions of another run, with keep 'none'"):
        world.run(order={"source": source, "target": target})
    assert world.run(order={"source": source, "target": target}, keep="none").rows == 10


def test_empty_files_come_out_empty(world: World) -> None:
    write_lists(world.source / "a.parquet", rows_of(0))
    (world.source / "b.csv").write_text("a,b,c\n")
    assert world.run().rows == 0
    assert world.table().column_names == ["id", "x", "scores", "class_index", "label", "version"]
    assert (world.target / "b.csv").read_text() == "a,b,c,scores,class_index,label,version\n"


def test_a_regression_has_one_number_a_row(tmp_path: Path) -> None:
    world = World(tmp_path, adding(tmp_path / "v", {"x": (None, 2, 2)}, (1, 2)), REGRESSION)
    write_lists(world.source / "a.parquet", np.arange(8, dtype=np.float32).reshape(2, 4))
    world.run(keep="others")
    table = world.table()
    assert table.column_names == ["id", "scores", "version"]
    assert table["scores"].to_pylist() == [6, 22]


def test_several_inputs_are_found_by_their_names(tmp_path: Path) -> None:
    version = adding(tmp_path / "v", {"big": (None, 2), "small": (None, 1)})
    world = World(tmp_path, version, REGRESSION)
    world.source.mkdir()
    (world.source / "a.ndjson").write_text('{"id": 7, "small": 1, "big": [2, 3]}\n')
    world.run()
    assert json.loads((world.target / "a.ndjson").read_text())["scores"] == 6


@pytest.mark.parametrize("kind", ["parquet", "ndjson", "csv"])
def test_sequences_of_different_lengths_are_padded(tmp_path: Path, kind: str) -> None:
    config = ModelConfig(task="regression", sequences=Sequences(padding="post", value=0.5))
    version = adding(tmp_path / "v", {"x": (None, None, 2)}, (1, 2))
    world = World(tmp_path, version, config)
    world.source.mkdir()
    rows = [[[1, 2]], [[1, 2], [3, 4]], [[5, 6]]]
    if kind == "parquet":
        pq.write_table(pa.table({"x": rows}), world.source / "a.parquet")
    elif kind == "ndjson":
        (world.source / "a.ndjson").write_text("".join(f'{{"x": {row}}}\n' for row in rows))
    else:
        (world.source / "a.csv").write_text("x\n" + "".join(f'"{row}"\n' for row in rows))
    world.run(format="parquet")
    assert world.table()["scores"].to_pylist() == [4, 10, 12]


def test_a_fixed_batch_is_filled_up(tmp_path: Path) -> None:
    world = World(tmp_path, copying(tmp_path / "v", 3, rows=4))
    values = rows_of(11)
    write_lists(world.source / "a.parquet", values)
    world.run(batch_rows=5)
    np.testing.assert_array_equal(np.array(world.table()["scores"].to_pylist(), np.float32), values)


def test_many_columns_and_other_types_of_numbers(world: World) -> None:
    world.source.mkdir()
    columns = {"a": pa.array([1, 2], pa.int8()), "b": pa.array([True, False]),
               "c": pa.array([0.5, 0.25], pa.float64()), "y": pa.array([1, 0])}  # fmt: skip
    pq.write_table(pa.table(columns), world.source / "a.parquet")
    world.run()
    assert world.table()["scores"].to_pylist() == [[1, 1, 0.5], [2, 0, 0.25]]


@pytest.mark.slow
def test_what_could_not_be_compiled_is_run_by_tensorflow(world: World) -> None:
    import tensorflow as tf

    class Doubling(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32)])  # type: ignore[untyped-decorator]
        def serve(self, x: Any) -> Any:
            return [2 * x]

    folder = world.root / "uncompiled"
    tf.saved_model.save(Doubling(), str(folder / SAVED_MODEL))
    spec = TensorSpec("x", "float32", (None, 3))
    signature = Signature((spec,), (replace(spec, name="y"),))
    told = record(signature, digest_tree(folder))
    replace(told, runtime="tensorflow").write(folder)
    values = rows_of(300)
    write_lists(world.source / "a.parquet", values)
    World(world.root, folder).run(batch_rows=7, order={"threads": 2})
    scores = np.array(world.table()["scores"].to_pylist(), np.float32)
    np.testing.assert_array_equal(scores, 2 * values)
