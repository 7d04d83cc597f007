"""One body on its way to the disk: raw and forms, names, digests, limits, and what stays."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.base.errors import KerasdError, RequestInvalid
from service.base.http_errors import UploadRefused, UploadTooLarge
from service.web.upload.head import UploadHead
from service.web.upload.receiver import Receiver, Rules
from tests.web.upload.forms import BOUNDARY, form

HDF5 = b"\x89HDF\r\n\x1a\n" + b"weights" * 100
ZIP = b"PK\x03\x04" + b"archive"
ARCHITECTURE = b'{"class_name": "Sequential"}'

Make = Callable[..., Receiver]


def _take(receiver: Receiver, pieces: list[bytes]) -> None:
    receiver.write(pieces)
    receiver.finish()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Receiver] = []
    freed: list[str] = []

    def receiver(**more: Any) -> Receiver:
        rules = Rules(tmp_path / "incoming", more.pop("max_bytes", 10**6), more.pop("deep", False))
        made.append(Receiver(UploadHead("m", **more), rules, lambda: freed.append("slot")))
        return made[-1]

    yield receiver
    for receiver_ in made:
        receiver_.close()
        receiver_.close()
    assert freed == ["slot"] * len(made)
    folder = tmp_path / "incoming"
    assert not folder.exists() or list(folder.iterdir()) == []


def in_pieces(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


class TestRaw:
    @pytest.mark.parametrize(
        ("body", "name"), [(HDF5, "model.h5"), (ZIP, "model.keras")], ids=["hdf5", "zip"]
    )
    @pytest.mark.parametrize("size", [1, 7, 10_000])
    def test_a_body_without_a_name_is_named_by_what_it_is(
        self, make: Make, body: bytes, name: str, size: int
    ) -> None:
        receiver = make()
        receiver.write(in_pieces(body, size))
        received = receiver.finish()
        assert received.files[name].read_bytes() == body
        assert received.digests == {name: hashlib.sha256(body).hexdigest()}
        assert received.size == len(body)

    def test_nobody_else_may_read_it(self, make: Make, tmp_path: Path) -> None:
        receiver = make(filename="net.h5")
        receiver.write([HDF5])
        path = receiver.finish().files["net.h5"]
        assert path.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "incoming").stat().st_mode & 0o077 == 0

    def test_a_body_that_is_no_model_needs_a_name(self, make: Make) -> None:
        receiver = make()
        receiver.write([b"\x80\x04pickle"])
        with pytest.raises(UploadRefused, match=r"neither HDF5 \(\.h5\) nor a \.keras archive"):
            receiver.finish()

    def test_an_empty_body_is_refused(self, make: Make) -> None:
        with pytest.raises(RequestInvalid, match="The body is empty"):
            make().finish()

    def test_more_than_the_limit_is_refused_as_it_comes(self, make: Make) -> None:
        receiver = make(max_bytes=100)
        receiver.write([b"x" * 100])
        with pytest.raises(UploadTooLarge, match="max_upload_mb"):
            receiver.write([b"x"])

    def test_another_digest_than_was_told_is_refused(self, make: Make) -> None:
        good, bad = make(sha256=hashlib.sha256(HDF5).hexdigest()), make(sha256="0" * 64)
        for receiver in (good, bad):
            receiver.write([HDF5])
        assert good.finish().size == len(HDF5)
        with pytest.raises(UploadRefused, match="says 0000"):
            bad.finish()

    def test_what_comes_after_the_end_is_not_written(self, make: Make, tmp_path: Path) -> None:
        receiver = make()
        receiver.write([HDF5])
        receiver.close()
        receiver.write([HDF5])
        assert list((tmp_path / "incoming").iterdir()) == []


class TestForms:
    @pytest.mark.parametrize(
        "content",
        [b"", b"\r", b"\n", b"\r\n", b"\r\n--x-y", b"\r\r\n--x-y-", b"--x-y-z", b"x\r\n--\r\n"],
        ids=range(8),
    )
    @pytest.mark.parametrize("size", [1, 2, 3, 5, 10_000])
    def test_a_file_is_the_same_to_the_byte(self, make: Make, content: bytes, size: int) -> None:
        receiver = make(boundary=BOUNDARY.encode())
        receiver.write(in_pieces(form({"net.h5": content, "b.h5": content}), size))
        files = receiver.finish().files
        assert [files[name].read_bytes() for name in ("net.h5", "b.h5")] == [content] * 2

    @pytest.mark.parametrize("size", [1, 13, 10_000])
    def test_files_and_fields_are_told_apart(self, make: Make, size: int) -> None:
        receiver = make(boundary=BOUNDARY.encode())
        files = {"architecture.json": ARCHITECTURE, "weights.h5": HDF5 + b"\r\n--x-y"}
        receiver.write(in_pieces(form(files, {"why": "bétter", "parent": "2"}), size))
        received = receiver.finish()
        assert {name: path.read_bytes() for name, path in received.files.items()} == files
        assert received.fields == {"why": "bétter", "parent": "2"}
        assert received.digests["weights.h5"] == hashlib.sha256(files["weights.h5"]).hexdigest()

    def test_the_digest_in_the_head_is_that_of_the_whole_body(self, make: Make) -> None:
        body = form({"net.h5": HDF5})
        receiver = make(boundary=BOUNDARY.encode(), sha256=hashlib.sha256(body).hexdigest())
        receiver.write([body])
        assert list(receiver.finish().files) == ["net.h5"]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (form({"net.h5": HDF5})[:-4], "before its last boundary"),
            (form({"net.h5": HDF5})[:100], "before its last boundary"),
            (form({}, {"why": "x"}), "no file"),
            (form({}, {"why": "x" * 20_000}), "longer than 16384 bytes"),
            (b"no form at all", "before its last boundary"),
            (b"--x-y-z\r\nX-Endless: " + b"x" * 2_000_000, "head of a part is longer"),
            (b"--x-y-zebra\r\n\r\n", "in the middle of a line"),
            (form({"net.h5": HDF5}).replace(b"\r\n", b"\n"), "before its last boundary"),
            (b"--x-y-z\r\nX-A: b\r\n\r\nvalue\r\n--x-y-z--\r\n", "Content-Disposition"),
            (form({f"{n}.h5": b"x" for n in range(1001)}), "more than 1000 parts"),
        ],
        ids=[
            "cut",
            "half",
            "fields",
            "long",
            "none",
            "endless",
            "line",
            "feeds",
            "headless",
            "many",
        ],
    )
    def test_what_is_no_form_is_refused(self, make: Make, body: bytes, words: str) -> None:
        receiver = make(boundary=BOUNDARY.encode(), max_bytes=10**7)
        with pytest.raises(RequestInvalid, match=words):
            _take(receiver, in_pieces(body, 4096))


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["../model.h5", "/etc/passwd.h5", "a/b.h5", "..", ".hidden.h5", "-x.h5", "mod\xe8le.h5",
         "model.h5\x00.txt", "con\n.h5", "a\\b.h5", "x" * 129, "\u202eh5.exe"],
        ids=range(12),
    )  # fmt: skip
    def test_a_name_that_could_lead_elsewhere_is_refused(self, make: Make, name: str) -> None:
        receiver = make(filename=name)
        receiver.write([HDF5])
        with pytest.raises(RequestInvalid, match="file name: expected"):
            receiver.finish()

    @pytest.mark.parametrize("name", ["manifest.json", "Manifest.JSON", "run.py", "notes.txt"])
    def test_a_name_that_is_no_model_file_is_refused(self, make: Make, name: str) -> None:
        receiver = make(boundary=BOUNDARY.encode())
        with pytest.raises(RequestInvalid, match="would not be taken for a part of a model"):
            receiver.write([form({"net.h5": HDF5, name: b"x"})])

    def test_two_names_that_differ_by_case_only_are_refused(self, make: Make) -> None:
        receiver = make(boundary=BOUNDARY.encode())
        with pytest.raises(RequestInvalid, match="differs by its case only"):
            receiver.write([form({"net.h5": HDF5, "NET.h5": HDF5})])

    @pytest.mark.parametrize(
        "names", [("a", "a/b.h5"), ("a/b.h5", "a"), ("A/b/c.h5", "a/B"), ("a/b", "a/b/c/d.h5")]
    )
    def test_a_file_is_no_folder_of_another(self, make: Make, names: tuple[str, str]) -> None:
        receiver = make(boundary=BOUNDARY.encode(), deep=True)
        with pytest.raises(RequestInvalid, match="is a folder of another file"):
            receiver.write([form(dict.fromkeys(names, HDF5))])

    def test_folders_are_for_those_who_take_saved_models(self, make: Make) -> None:
        body = form({"saved_model.pb": b"x", "variables/variables.index": b"y"})
        refused, taken = (
            make(boundary=BOUNDARY.encode()),
            make(boundary=BOUNDARY.encode(), deep=True),
        )
        with pytest.raises(RequestInvalid, match="file name"):
            refused.write([body])
        taken.write([body])
        assert len(taken.finish().files) == 2


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "incoming").write_text("a file")
    receiver = Receiver(UploadHead("m"), Rules(tmp_path / "incoming", 100), lambda: None)
    with pytest.raises((KerasdError, OSError)):
        receiver.write([HDF5])
    receiver.close()
    assert os.listdir(tmp_path) == ["incoming"]
