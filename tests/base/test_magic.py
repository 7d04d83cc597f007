"""Files are known by their first bytes, and looking at one never waits."""

import os
from pathlib import Path

import pytest

from service.base.magic import HDF5_SIGNATURE, kind_of, tell_stranger


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (HDF5_SIGNATURE + b"\x00", "hdf5"),
        (b"PK\x03\x04rest", "zip"),
        (b'{"class_name": 1}', "json"),
        (b'\xef\xbb\xbf \n{"a": 1}', "json"),  # Windows editors put a mark first
        (b'"{\\"class_name\\": 1}"', "json"),  # JSON that was written as JSON once more
        (b"[1, 2]", "other"),
        (b"version https://git-lfs.github.com/spec/v1\n", "other"),
        (b"", "other"),
        (HDF5_SIGNATURE[:4], "other"),
    ],
)
def test_knows_a_file_by_its_first_bytes(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "misnamed.txt"
    path.write_bytes(content)

    assert kind_of(path) == kind


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    os.mkfifo(path)  # opening one for reading waits for a writer, for ever

    assert kind_of(path) == "other"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert kind_of(tmp_path) == "other"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", "is a git-lfs pointer"),
        (b"\n<!DOCTYPE html><title>404", "is an HTML page, most likely of a failed download"),
        (b"<html><body>502", "is an HTML page"),
        (b"\x80\x04\x95", "is a Python pickle, which is never opened"),
        (b"", "is empty"),
    ],
)
def test_tells_what_lies_there_instead_of_a_model(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(content)

    assert tell_stranger(path).startswith(told)


def test_does_not_guess(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"any other text")

    assert tell_stranger(path) == ""
