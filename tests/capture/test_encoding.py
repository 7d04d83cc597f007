"""What is written is what is read: every dtype, shapes with free axes, texts, ids, decisions."""

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from service.base.signature import DTYPES, STRING, Signature, Tensors, TensorSpec
from service.capture.answered import Answered
from service.capture.decoding import CapturedRows
from tests.capture.everything import captured
from tests.capture.made import NOON, answered, form_of, id_of, ids, write


def of_input(dtype: str, *shape: int | None) -> Signature:
    return Signature((TensorSpec("x", dtype, (None, *shape)),), ())


def written(folder: Path, signature: Signature, *some: Answered) -> list[CapturedRows]:
    write(folder, some, form=form_of(signature))
    return list(captured(folder, "m"))


def values(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    if dtype == STRING:
        texts = np.empty(shape, object)
        texts.reshape(-1)[:] = [f"wört {n}" for n in range(texts.size)]
        return texts
    if dtype == "bool":
        return draw.random(shape) < 0.5
    if dtype.startswith("float"):
        return draw.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return draw.integers(limits.min, limits.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 1)], ids=["scalar", "row", "image"])
def test_every_dtype(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    first, second = values(dtype, (2, *shape)), values(dtype, (1, *shape), 1)
    found = written(
        tmp_path,
        of_input(dtype, *shape),
        answered("a", {"x": first}),
        answered("b", {"x": second}),
    )
    assert len(found) == 1
    inputs = found[0].inputs["x"]
    assert inputs.dtype == first.dtype
    assert inputs.tolist() == np.concatenate([first, second]).tolist()


@pytest.mark.parametrize("dtype", ["float32", "int8", STRING])
@pytest.mark.parametrize(
    ("axes", "shapes"),
    [
        ((None,), [(4,), (0,), (2,)]),
        ((None, 6), [(5, 6), (1, 6), (0, 6)]),
        ((None, None, 2), [(3, 4, 2), (1, 5, 2), (2, 1, 2)]),
        ((3, None), [(3, 2), (3, 7), (3, 1)]),
        ((2, None, 3, 2), [(2, 4, 3, 2), (2, 1, 3, 2), (2, 0, 3, 2)]),
    ],
    ids=["list", "sequence", "image", "inner", "deep"],
)
def test_free_axes(
    tmp_path: Path, dtype: str, axes: tuple[int | None, ...], shapes: list[tuple[int, ...]]
) -> None:
    arrays = [values(dtype, (rows, *shape), rows) for rows, shape in enumerate(shapes, 1)]
    some = [answered(str(at), {"x": array}) for at, array in enumerate(arrays)]
    found = written(tmp_path, of_input(dtype, *axes), *some)
    rows = [row for one in found for row in one.inputs["x"]]
    wanted = [row for array in arrays for row in array]
    assert [row.shape for row in rows] == [row.shape for row in wanted]
    assert [row.tolist() for row in rows] == [row.tolist() for row in wanted]


def test_ids_rows_times_and_decisions(tmp_path: Path) -> None:
    def inputs(rows: int) -> Tensors:
        return {"x": np.zeros((rows, 3), np.float32)}

    (found,) = written(
        tmp_path,
        form := of_input("float32", 3),
        answered("a", inputs(2), NOON, classes=(1, 2)),
        answered("b", inputs(1), NOON + 7, own="order-7"),
    )
    assert (found.form.model, found.form.version) == ("m", 1)
    assert [one.name for one in found.form.inputs] == [spec.name for spec in form.inputs]
    assert found.ids.prediction.tobytes() == id_of("a") * 2 + id_of("b")
    assert found.ids.own.tobytes() == bytes(32) + id_of("order-7")
    assert found.ids.row.tolist() == [0, 1, 0]
    assert found.ids.at.tolist() == [NOON, NOON, NOON + 7]
    assert found.classes.tolist() == [1, 2, -1]
    assert found.scores[:2].tolist() == [0.5, 0.5]
    assert np.isnan(found.scores[2])
    assert found.ids.among(ids("order-7")).tolist() == [False, False, True]
    assert found.ids.among(ids("a", "c")).tolist() == [True, True, False]


def test_other_programs_find_plain_columns(tmp_path: Path) -> None:
    """Nothing but Parquet's own types, with names, and shapes in the footer."""
    path = write(tmp_path, [answered("a", {"x": np.array([[1, 2, 3]], np.float32)})])
    table = pyarrow.parquet.read_table(path)
    assert table.column_names == [
        "prediction", "own", "row", "version", "time", "predicted_class", "predicted_score",
        "input.x",
    ]  # fmt: skip
    assert table.column("input.x").to_pylist() == [[1.0, 2.0, 3.0]]
    assert table.column("time").to_pylist()[0].timestamp() * 1000 == NOON
    assert b'"shape": [3]' in table.schema.metadata[b"kerasd"]


def test_large_rows_are_read_few_at_a_time(tmp_path: Path) -> None:
    signature = of_input("float32", 512, 512)
    some = [answered(str(n), {"x": np.full((8, 512, 512), n, np.float32)}) for n in range(2)]
    found = written(tmp_path, signature, *some)
    assert max(len(one) for one in found) <= 4
    assert [n for one in found for n in one.inputs["x"][:, 0, 0]] == [0] * 8 + [1] * 8
