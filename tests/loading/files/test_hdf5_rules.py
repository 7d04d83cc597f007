"""What a file of weights may not consist of is refused before anything is read."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from service.base.refusals import FileBroken, FileUnsafe
from service.loading.files.hdf5 import count_elements, open_hdf5
from service.loading.files.hdf5_rules import HEAP_SIGNATURE, declared_end
from tests.loading.handmade import write_weights, write_whole


def _write(path: Path, fill: Callable[[h5py.File], object]) -> Path:
    with h5py.File(path, "w") as file:
        fill(file)
    return path


def _hazards(path: Path) -> str:
    with pytest.raises(FileUnsafe) as caught, open_hdf5(path):
        pass
    return str(caught.value)


def test_a_link_to_another_file_is_refused(tmp_path: Path) -> None:
    secret = write_weights(tmp_path / "secret.h5")
    link = h5py.ExternalLink(str(secret), "/dense")

    path = _write(tmp_path / "m.h5", lambda file: file.__setitem__("stolen", link))

    assert "'/stolen' is a link to somewhere else (ExternalLink)" in _hazards(path)


def test_a_soft_link_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.h5", lambda f: f.__setitem__("deep/soft", h5py.SoftLink("/x")))

    assert "'/deep/soft' is a link" in _hazards(path)


def test_data_in_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "passwd").write_bytes(b"root:x:0:0")
    outside = [(str(tmp_path / "passwd"), 0, 10)]

    path = _write(
        tmp_path / "m.h5", lambda f: f.create_dataset("stolen", (10,), "u1", external=outside)
    )

    assert "'/stolen' takes its data from another file" in _hazards(path)


def test_a_virtual_dataset_is_refused(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((4, 3), "float32")
    secret = write_weights(tmp_path / "secret.h5")
    layout[:] = h5py.VirtualSource(str(secret), "dense/dense/kernel:0", (4, 3))

    path = _write(tmp_path / "m.h5", lambda file: file.create_virtual_dataset("stolen", layout))

    assert "'/stolen' is a virtual dataset" in _hazards(path)


def test_a_filter_that_would_need_a_plugin_is_refused(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "m.h5",
        lambda file: file.create_dataset("x", data=np.ones(100), compression="lzf"),
    )

    assert "needs the unknown HDF5 filter [32000]" in _hazards(path)


def test_compressed_weights_are_welcome(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "m.h5",
        lambda file: file.create_dataset(
            "x", data=np.zeros((500, 500)), compression="gzip", shuffle=True, fletcher32=True
        ),
    )

    with open_hdf5(path) as file:
        assert count_elements(file) == 250_000


def test_a_small_file_that_declares_huge_arrays_is_refused(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "m.h5",
        lambda f: f.create_dataset("x", (1 << 20, 1 << 12), "f4", chunks=(1 << 10, 1 << 10)),
    )

    with pytest.raises(FileBroken, match="declares 17179869184 bytes"), open_hdf5(path):
        pass


def test_a_group_under_two_names_is_refused(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["a/x"] = [1.0, 2.0]
        file["a/loop"] = file["a"]
        file["a/top"] = file["/"]

    hazards = _hazards(_write(tmp_path / "m.h5", fill))

    assert "'/a/loop' is one more name of a group" in hazards
    assert "'/a/top' is one more name of a group" in hazards


@pytest.mark.parametrize(
    ("dtype", "told"),
    [
        (h5py.string_dtype(), "text"),
        ("S8", "text"),
        (h5py.ref_dtype, "references"),
        (h5py.vlen_dtype(np.dtype("f4")), "values of the type object"),
        (np.dtype([("a", "f4"), ("b", "i4")]), "values of the type [('a', '<f4')"),
        ("c8", "values of the type complex64"),
        ("V3", "values of the type |V3"),
    ],
)
def test_an_array_of_anything_but_numbers_is_refused(tmp_path: Path, dtype: Any, told: str) -> None:
    path = _write(tmp_path / "m.h5", lambda file: file.create_dataset("x", (4, 3), dtype))

    assert f"array '/x' holds no numbers but {told}" in _hazards(path)


@pytest.mark.parametrize("dtype", ["f2", "<f8", ">f4", "i8", "u1", "?", "V2"])
def test_arrays_of_every_kind_of_number_are_welcome(tmp_path: Path, dtype: str) -> None:
    """Two bytes without a meaning are how Keras writes bfloat16."""
    path = _write(tmp_path / "m.h5", lambda file: file.create_dataset("x", (4, 3), dtype))

    with open_hdf5(path) as file:
        assert count_elements(file) == 12


def test_a_vocabulary_may_be_text(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.h5", lambda file: file.__setitem__("vars/vocabulary", ["a", "b"]))

    with open_hdf5(path) as file:
        assert count_elements(file) == 2


def test_a_stored_type_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.h5", lambda file: file.__setitem__("kind", np.dtype("f4")))

    assert "'/kind' is neither a group nor an array (Datatype)" in _hazards(path)


@pytest.mark.parametrize("libver", ["earliest", "v110"])
def test_what_follows_the_end_is_refused(tmp_path: Path, libver: str) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file["x"] = [1.0]
    with path.open("ab") as stream:
        stream.write(b"PK\x03\x04 and more")

    assert "13 bytes follow the end of its HDF5 data" in _hazards(path)


def test_at_most_a_few_hazards_are_told(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        for number in range(1000):
            file[f"l{number}"] = h5py.SoftLink("/x")

    assert _hazards(_write(tmp_path / "m.h5", fill)).count("is a link") == 5


def test_a_heap_on_which_the_library_would_loop_for_ever_is_broken(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "m.h5")
    content = bytearray(path.read_bytes())
    heap = content.index(HEAP_SIGNATURE)
    here = heap + 16
    while content[here : here + 2] != b"\0\0":  # over the texts to the gap behind them
        (size,) = struct.unpack_from("<Q", content, here + 8)
        here += 16 + (size + 7) // 8 * 8
    content[here + 8 : here + 16] = bytes(8)
    path.write_bytes(content)

    with pytest.raises(FileBroken, match="a heap with an empty gap"), open_hdf5(path):
        pass


def test_a_heap_of_false_headers_ends_the_look_soon(tmp_path: Path) -> None:
    """Each seems to hold everything behind it; going through all of them would take for ever."""
    false = HEAP_SIGNATURE + struct.pack("<Q", 1 << 40)
    content = np.frombuffer((struct.pack("<H6xQ", 1, 16) + false) * 10_000, "u1")
    path = _write(tmp_path / "m.h5", lambda file: file.__setitem__("x", content))

    with pytest.raises(FileBroken, match="a heap with an empty gap"), open_hdf5(path):
        pass


def test_only_hdf5_has_an_end_of_its_own() -> None:
    assert declared_end(b"PK" + bytes(100)) == 0
    assert declared_end(b"") == 0
