"""Compiled folders: written last, read only when whole, replaced in one step."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from service.base.compiled import (
    NOT_EXAMINED,
    ONNX_FILE,
    RECORD,
    Compiled,
    cache_key,
    digest_file,
    digest_tree,
    discard,
    publish,
    read_compiled,
    read_verified,
    verify_files,
)
from service.base.refusals import ArtefactCorrupt
from service.base.signature import Signature, TensorSpec

CONTENT = b"an ONNX graph"
COMPILED = Compiled(
    key="k1",
    runtime="onnx",
    signature=Signature(
        (TensorSpec("x", "float32", (None, None, 4)),),
        (TensorSpec("y", "float32", (None, 2), activation="softmax"),),
    ),
    files={ONNX_FILE: hashlib.sha256(CONTENT).hexdigest()},
    format="h5",
    keras_version="2.4.0",
    parameters=42,
    max_relative_error=3e-7,
    notes=("hard_sigmoid",),
    took_s=1.25,
    rows_doubt="ReduceMean 'mean' runs over the rows",
)


def _write(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True)
    (folder / ONNX_FILE).write_bytes(content)
    COMPILED.write(folder)
    return folder


def test_a_record_reads_as_it_was_written(tmp_path: Path) -> None:
    folder = _write(tmp_path / "k1")

    assert read_compiled(folder) == COMPILED
    assert read_verified(folder, COMPILED, ONNX_FILE) == CONTENT


def test_a_record_that_says_nothing_of_rows_leaves_them_in_doubt(tmp_path: Path) -> None:
    folder = _write(tmp_path / "k1")
    record = orjson.loads((folder / RECORD).read_bytes())
    del record["rows_doubt"]
    (folder / RECORD).write_bytes(orjson.dumps(record))

    assert read_compiled(folder).rows_doubt == NOT_EXAMINED


def test_a_folder_without_its_record_is_incomplete(tmp_path: Path) -> None:
    folder = _write(tmp_path / "k1")
    (folder / RECORD).unlink()

    with pytest.raises(ArtefactCorrupt, match="k1"):
        read_compiled(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"signature": {"inputs": [{"name": "x", "dtype": "f", "shape": 4}]}, "notes": []}',
        '{"signature": {"inputs": [], "outputs": []}, "notes": [], "colour": "red"}',
    ],
)
def test_a_record_that_is_none_is_corrupt(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)

    with pytest.raises(ArtefactCorrupt):
        read_compiled(tmp_path)


def test_a_changed_file_is_never_handed_out(tmp_path: Path) -> None:
    folder = _write(tmp_path / "k1", content=b"another graph")

    with pytest.raises(ArtefactCorrupt, match="sha256"):
        read_verified(folder, COMPILED, ONNX_FILE)
    with pytest.raises(ArtefactCorrupt, match="sha256"):
        verify_files(folder, COMPILED)


def test_a_missing_file_is_corrupt(tmp_path: Path) -> None:
    folder = _write(tmp_path / "k1")
    (folder / ONNX_FILE).unlink()

    with pytest.raises(ArtefactCorrupt, match=ONNX_FILE):
        verify_files(folder, COMPILED)


def test_a_file_that_was_never_recorded_is_not_handed_out(tmp_path: Path) -> None:
    folder = _write(tmp_path / "k1")
    (folder / "extra").write_bytes(b"")

    with pytest.raises(ArtefactCorrupt):
        read_verified(folder, COMPILED, "extra")


def test_a_saved_model_is_verified_file_by_file(tmp_path: Path) -> None:
    deep = tmp_path / "saved_model" / "variables"
    deep.mkdir(parents=True)
    (deep / "index").write_bytes(b"1")
    compiled = replace(COMPILED, files=digest_tree(tmp_path))

    verify_files(tmp_path, compiled)
    (deep / "index").write_bytes(b"2")

    with pytest.raises(ArtefactCorrupt, match="variables/index"):
        verify_files(tmp_path, compiled)


def test_publishing_moves_the_whole_folder(tmp_path: Path) -> None:
    scratch, target = _write(tmp_path / "scratch"), tmp_path / "compiled" / "k1"

    publish(scratch, target)

    assert read_compiled(target) == COMPILED
    assert not scratch.exists()


def test_publishing_replaces_an_incomplete_predecessor(tmp_path: Path) -> None:
    scratch, target = _write(tmp_path / "scratch"), tmp_path / "compiled" / "k1"
    target.mkdir(parents=True)
    (target / "half-written").write_bytes(b"")

    publish(scratch, target)

    assert {path.name for path in target.iterdir()} == {ONNX_FILE, RECORD}


def test_a_discarded_folder_is_out_of_the_way_until_the_next_is_published(tmp_path: Path) -> None:
    target = _write(tmp_path / "compiled" / "k1")

    discard(target)
    discard(target)  # another worker found it as well

    assert not target.exists()
    publish(_write(tmp_path / "scratch"), target)
    assert [path.name for path in target.parent.iterdir()] == ["k1"]


def test_the_key_follows_contents_and_names() -> None:
    key = cache_key({"a.json": "1", "b.h5": "2"})

    assert key == cache_key({"b.h5": "2", "a.json": "1"})  # whatever the order
    assert key != cache_key({"a.json": "1", "b.h5": "3"})
    assert key != cache_key({"a.json": "2", "b.h5": "1"})


def test_what_is_no_regular_file_has_no_digest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="no regular file"):
        digest_file(tmp_path / "pipe")
