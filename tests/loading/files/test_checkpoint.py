"""TensorFlow's checkpoints, read without it: whole ones, and damaged and hostile ones."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.refusals import FileBroken
from service.loading.files.checkpoint import Attribute, is_checkpoint_index, open_checkpoint
from service.loading.files.table_file import MAGIC
from tests.loading.handmade_tensorflow import Change, object_graph, write_checkpoint, write_table

KERNEL = np.arange(12, dtype="float32").reshape(4, 3)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "cp.ckpt.index"


def _data(index: Path) -> Path:
    return index.with_suffix(".data-00000-of-00001")


def _read_all(index: Path) -> None:
    with open_checkpoint(index) as checkpoint:
        for key in checkpoint.entries:
            checkpoint.read(key)


def test_reads_numbers_texts_and_objects(index: Path) -> None:
    graph = object_graph({"layer": 1}, {"kernel": "k"})
    write_checkpoint(index, {"k": KERNEL, "n": np.array(7, "int64"), "text": b"abc", **graph})

    with open_checkpoint(index) as checkpoint:
        assert checkpoint.entries["k"].shape == (4, 3)
        assert checkpoint.entries["n"].dtype == "int64"
        np.testing.assert_array_equal(checkpoint.read("k"), KERNEL)
        assert checkpoint.read("n") == 7
        assert checkpoint.read("text").item() == b"abc"
        root, layer = checkpoint.nodes
    assert root.children == {"layer": 1}
    assert layer.attributes == (Attribute("kernel", "dense/kernel", "k"),)


def test_names_alone_give_no_objects(index: Path) -> None:
    write_checkpoint(index, {"dense/kernel": KERNEL})

    with open_checkpoint(index) as checkpoint:
        assert checkpoint.nodes == ()
        with pytest.raises(FileBroken, match="no tensor 'dense/bias'"):
            checkpoint.read("dense/bias")


def test_bfloat16_comes_as_float32(index: Path) -> None:
    halves = np.array([0x3F80, 0xC000], "uint16")
    write_checkpoint(index, {"k": halves}, {"k": lambda entry: setattr(entry, "dtype", 14)})

    with open_checkpoint(index) as checkpoint:
        assert checkpoint.read("k").tolist() == [1.0, -2.0]


def test_partitioned_variables_are_told_and_not_read(index: Path) -> None:
    write_checkpoint(index, {"k": KERNEL}, {"k": lambda entry: entry.slices.add()})

    with open_checkpoint(index) as checkpoint:
        assert checkpoint.entries["k"].shape == (4, 3)
        with pytest.raises(FileBroken, match="in parts"):
            checkpoint.read("k")


def test_an_index_is_known_by_its_content(index: Path, tmp_path: Path) -> None:
    write_checkpoint(index, {"k": KERNEL})
    renamed = index.rename(tmp_path / "weights.h5")
    other, fifo = tmp_path / "other.index", tmp_path / "fifo.index"
    other.write_bytes(b"x" * 100)
    os.mkfifo(fifo)

    assert is_checkpoint_index(renamed)
    assert not is_checkpoint_index(other)
    assert not is_checkpoint_index(fifo)
    assert not is_checkpoint_index(tmp_path)
    assert not is_checkpoint_index(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda entry: setattr(entry, "offset", 2**40), "beyond the end"),
        (lambda entry: setattr(entry, "offset", -8), "beyond the end"),
        (lambda entry: setattr(entry, "size", 2**62), "beyond the end"),
        (lambda entry: setattr(entry, "size", 44), "don't fit"),
        (lambda entry: setattr(entry, "shard_id", 1), "part 1 of 1"),
        (lambda entry: setattr(entry, "shard_id", -1), "part -1 of 1"),
        (lambda entry: setattr(entry.shape.dim[0], "size", 2**60), "don't fit"),
        (lambda entry: setattr(entry.shape.dim[0], "size", -4), "negative axis"),
        (lambda entry: setattr(entry.shape, "unknown_rank", True), "shape is unknown"),
        (lambda entry: [entry.shape.dim.add(size=1) for _ in range(40)], "too many axes"),
        (lambda entry: setattr(entry, "dtype", 99), "the kind dtype 99"),
        (lambda entry: setattr(entry, "dtype", 7), "lengths don't fit"),
        (lambda entry: setattr(entry, "crc32c", 5), "checksum is wrong"),
    ],
)
def test_an_entry_that_lies_is_refused(index: Path, change: Change, why: str) -> None:
    write_checkpoint(index, {"k": KERNEL}, {"k": change})

    with pytest.raises(FileBroken, match=why):
        _read_all(index)


def test_tensors_that_share_their_bytes_are_refused(index: Path) -> None:
    tensors = {"a": KERNEL, "b": KERNEL}
    write_checkpoint(index, tensors, {"b": lambda entry: setattr(entry, "offset", 0)})
    _data(index).write_bytes(KERNEL.tobytes())

    with pytest.raises(FileBroken, match="overlap"):
        _read_all(index)


def test_objects_that_refer_to_nothing_are_refused(index: Path) -> None:
    write_checkpoint(index, object_graph({"layer": 2}, {}))

    with pytest.raises(FileBroken, match="inconsistent"):
        _read_all(index)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda index: index.write_bytes(index.read_bytes()[:-9]), "its end is missing"),
        (lambda index: index.write_bytes(b"\xff" * 200 + MAGIC), "is damaged"),
        (lambda index: index.write_bytes(MAGIC), "no index"),
        (lambda index: index.write_bytes(b"x" + index.read_bytes()[1:]), "checksum of one"),
        (lambda index: write_table(index, {}), "no checkpoint"),
        (lambda index: write_table(index, {b"": b"\xff"}), "header"),
        (lambda index: write_table(index, {b"": b"\x08\x01", b"k": b"\xff"}), "tensor 'k'"),
        (lambda index: write_table(index, {b"": b"\x08\x01"}, compression=1), "Snappy"),
        (lambda index: write_table(index, {b"": b"\x08\x01\x10\x01"}), "big-endian"),
        (lambda index: write_table(index, {b"k" * 5000: b""}), "longer than"),
        (lambda index: _data(index).unlink(), "put it beside the index"),
        (lambda index: _data(index).write_bytes(b"abc"), "beyond the end"),
        (lambda index: index.unlink(), "can't be read"),
    ],
)
def test_damage_is_refused(index: Path, spoil: Callable[[Path], object], why: str) -> None:
    write_checkpoint(index, {"k": KERNEL})
    spoil(index)

    with pytest.raises(FileBroken, match=why):
        _read_all(index)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_data_that_is_no_regular_file_is_refused(
    index: Path, make: Callable[[Path], object]
) -> None:
    write_checkpoint(index, {"k": KERNEL})
    _data(index).unlink()
    make(_data(index))

    with pytest.raises(FileBroken, match="no regular file"):
        _read_all(index)


def test_data_may_be_a_link_within_the_folder_only(index: Path, tmp_path: Path) -> None:
    write_checkpoint(index, {"k": KERNEL})
    inside = _data(index).rename(tmp_path / "inside")
    _data(index).symlink_to(inside)
    _read_all(index)

    folder = tmp_path / "model"
    folder.mkdir()
    for path in (index, _data(index)):
        (folder / path.name).symlink_to(path)
    with pytest.raises(FileBroken, match="link to another folder"):
        _read_all(folder / index.name)


@pytest.mark.slow
def test_reads_what_keras_2_saved(index: Path) -> None:
    import tf_keras

    layers = [tf_keras.layers.Dense(5, input_shape=(3,)), tf_keras.layers.BatchNormalization()]
    model = tf_keras.Sequential(layers)
    model.compile("adam", "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 5)), verbose=0)
    model.save_weights(index.with_suffix(""))

    with open_checkpoint(index) as checkpoint:
        root = checkpoint.nodes[0]
        dense = checkpoint.nodes[root.children["layer_with_weights-0"]]
        kernel = checkpoint.nodes[dense.children["kernel"]].attributes[0]
        np.testing.assert_array_equal(
            checkpoint.read(kernel.checkpoint_key), layers[0].kernel.numpy()
        )
        assert kernel.name == "VARIABLE_VALUE"
        assert kernel.full_name == "dense/kernel"


@pytest.mark.slow
def test_reads_all_that_tensorflow_reads(index: Path) -> None:
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for dtype in ("float16", "bfloat16", "float32", "float64", "int8", "uint16", "int64"):
            tf.compat.v1.get_variable(dtype, initializer=tf.cast([[1, 2], [3, 4]], dtype))
        for name, value in (("bool", [True, False]), ("text", ["a", "", "ä" * 300])):
            tf.compat.v1.get_variable(name, initializer=tf.constant(value))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(index.with_suffix("")))
    reader: Any = tf.train.load_checkpoint(str(index.with_suffix("")))

    with open_checkpoint(index) as checkpoint:
        assert set(checkpoint.entries) == set(reader.get_variable_to_shape_map())
        for key in checkpoint.entries:
            expected = np.asarray(reader.get_tensor(key))
            expected = expected.astype("float32") if key == "bfloat16" else expected
            np.testing.assert_array_equal(checkpoint.read(key), expected)
