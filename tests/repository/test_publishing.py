"""Versions into the repository and out of it: numbers, names, twice the same, and nothing half."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.base.errors import KerasdError, ModelNotFound, RequestInvalid
from service.base.http_errors import Conflict, UploadRefused
from service.repository.layout import scan
from service.repository.manifest import Provenance, read_manifest, read_provenance
from service.repository.publishing import Parcel, Published, publish, remove_version

NEVER_ENDS = """
import os, sys
from pathlib import Path
from service.base import durable
from service.repository import publishing
from tests.repository.test_publishing import parcel

def stop(*_):
    print("there", flush=True)
    os.kill(os.getpid(), 9)

setattr(publishing, sys.argv[2], stop)
publishing.publish(Path(sys.argv[1]) / "repository", parcel(Path(sys.argv[1]), "m", b"two"))
"""


def parcel(folder: Path, model: str, content: bytes = b"one", **more: Any) -> Parcel:
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"sent-{digest[:8]}-{os.urandom(4).hex()}"
    path.write_bytes(content)
    provenance = Provenance("ann", "2026-01-01T00:00:00+00:00", "better", None, digest)
    return Parcel(model, {"model.h5": path}, {"model.h5": digest}, provenance, **more)


def send(folder: Path, model: str = "m", content: bytes = b"one", **more: Any) -> Published:
    return publish(folder / "repository", parcel(folder, model, content, **more))


def lies(folder: Path) -> list[str]:
    """All that is in the repository, hidden things included."""
    root = folder / "repository"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "repository").mkdir()
    return tmp_path


class TestNumbers:
    def test_the_first_is_one_and_then_the_next(self, place: Path) -> None:
        sent = [send(place, content=content) for content in (b"one", b"two", b"three")]
        assert sent == [Published(number, True) for number in (1, 2, 3)]
        assert [(found.model, found.version) for found in scan(place / "repository")] == [
            ("m", 1), ("m", 2), ("m", 3),
        ]  # fmt: skip

    def test_the_files_and_their_origin_are_in_the_manifest(self, place: Path) -> None:
        send(place)
        folder = place / "repository" / "m" / "1"
        assert (folder / "model.h5").read_bytes() == b"one"
        assert read_manifest(folder) == {"model.h5": hashlib.sha256(b"one").hexdigest()}
        told = read_provenance(folder)
        assert (told.uploaded_by, told.why) == ("ann", "better")
        assert lies(place) == ["m", "m/1", "m/1/manifest.json", "m/1/model.h5"]

    def test_a_number_that_would_leave_none_is_not_given(self, place: Path) -> None:
        with pytest.raises(Conflict, match="above 8999999999"):
            send(place, version=9_999_999_999)
        assert lies(place) == []
        assert send(place, version=8_999_999_999).is_new
        assert send(place, content=b"two").version == 9_000_000_000

    def test_after_the_highest_there_is_a_lower_one_may_be_asked_for(self, place: Path) -> None:
        (place / "repository" / "m" / "9999999999").mkdir(parents=True)
        with pytest.raises(Conflict, match=r"no number left .*\?version="):
            send(place)
        assert send(place, version=5).version == 5

    @pytest.mark.parametrize("make", [os.mkfifo, Path.touch], ids=["fifo", "file"])
    def test_what_is_no_folder_takes_no_versions(
        self, place: Path, make: Callable[[Path], None]
    ) -> None:
        make(place / "repository" / "m")
        with pytest.raises(Conflict, match="called m in the repository is no folder"):
            send(place)
        with pytest.raises(Conflict, match="no folder"):
            remove_version(place / "repository", "m", 1)
        assert lies(place) == ["m"]

    def test_a_bare_file_has_the_number_one(self, place: Path) -> None:
        (place / "repository" / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\nbare")
        with pytest.raises(Conflict, match="has a version 1 already"):
            send(place, version=1)
        assert send(place) == Published(2, True)

    def test_numbers_are_not_used_twice(self, place: Path) -> None:
        assert send(place, used=(4,)) == Published(5, True)
        with pytest.raises(Conflict, match="a number is not used twice"):
            send(place, content=b"two", version=4, used=(4,))
        with pytest.raises(Conflict, match="no number left"):
            send(place, content=b"two", used=(9_999_999_999,))

    def test_a_number_that_is_asked_for(self, place: Path) -> None:
        assert send(place, version=7) == Published(7, True)
        with pytest.raises(Conflict, match="has a version 7 already"):
            send(place, content=b"two", version=7)

    def test_an_empty_folder_is_not_taken_over(self, place: Path) -> None:
        send(place)
        (place / "repository" / "m" / "2").mkdir()
        assert send(place, content=b"two") == Published(3, True)

    def test_many_at_once_get_a_number_each(self, place: Path) -> None:
        contents = [str(number).encode() for number in range(24)]
        with ThreadPoolExecutor(8) as threads:
            sent = list(threads.map(lambda content: send(place, content=content), contents))
        assert sorted(item.version for item in sent) == list(range(1, 25))
        assert all((place / "repository/m" / str(item.version) / "model.h5").read_bytes() == content
                   for item, content in zip(sent, contents, strict=True))  # fmt: skip


class TestTheSame:
    def test_the_same_files_are_the_same_version(self, place: Path) -> None:
        assert send(place) == Published(1, True)
        assert send(place) == Published(1, False)
        assert send(place, version=1) == Published(1, False)
        assert send(place, again=True) == Published(2, True)
        with pytest.raises(Conflict, match="again=true"):
            send(place, version=9)

    def test_files_that_somebody_copied_there_count_too(self, place: Path) -> None:
        folder = place / "repository" / "m" / "5"
        folder.mkdir(parents=True)
        (folder / "net.h5").write_bytes(b"one")
        assert send(place) == Published(5, False)
        assert send(place, content=b"two") == Published(6, True)

    def test_a_key_stands_for_its_files(self, place: Path) -> None:
        first = parcel(place, "m")
        keyed = replace(first, provenance=replace(first.provenance, key="k"), again=True)
        assert publish(place / "repository", keyed) == Published(1, True)
        again = replace(parcel(place, "m"), provenance=keyed.provenance, again=True)
        assert publish(place / "repository", again) == Published(1, False)
        other = parcel(place, "m", b"two")
        other = replace(other, provenance=replace(other.provenance, key="k"))
        with pytest.raises(UploadRefused, match="used for other files, those of version 1"):
            publish(place / "repository", other)
        assert len(scan(place / "repository")) == 1

    def test_the_same_at_once_is_one_version(self, place: Path) -> None:
        with ThreadPoolExecutor(8) as threads:
            sent = list(threads.map(lambda _: send(place), range(16)))
        assert [item.version for item in sent] == [1] * 16
        assert sum(item.is_new for item in sent) == 1


class TestNames:
    @pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../m", "modèle", "m\n", "-m", "m:x"])
    def test_a_name_that_could_lead_out_is_refused(self, place: Path, name: str) -> None:
        with pytest.raises(RequestInvalid, match="ASCII letters"):
            send(place, name)
        assert lies(place) == []

    @pytest.mark.parametrize("there", ["folder", "file"])
    def test_a_name_that_differs_by_case_only_is_refused(self, place: Path, there: str) -> None:
        if there == "folder":
            send(place, "Digits")
        else:
            (place / "repository" / "Digits.h5").write_bytes(b"\x89HDF\r\n\x1a\nbare")
        with pytest.raises(Conflict, match="differ from model Digits by its case only"):
            send(place, "digits", b"two")

    def test_a_model_that_is_a_link_is_refused(self, place: Path) -> None:
        (place / "outside").mkdir()
        (place / "repository" / "m").symlink_to(place / "outside")
        with pytest.raises(Conflict, match="is a link"):
            send(place)
        assert list((place / "outside").iterdir()) == []

    def test_a_configuration_comes_with_a_new_model_only(self, place: Path) -> None:
        config = place / "config"
        config.write_text("description: mine\n")
        send(place, config=config)
        assert (place / "repository/m/model.yaml").read_text() == "description: mine\n"
        with pytest.raises(Conflict, match=r"model\.yaml: model m is there already"):
            send(place, content=b"two", config=config)
        assert lies(place) == ["m", "m/1", "m/1/manifest.json", "m/1/model.h5", "m/model.yaml"]

    def test_the_same_files_with_another_configuration_are_refused(self, place: Path) -> None:
        config = place / "config"
        config.write_text("description: mine\n")
        send(place, config=config)
        assert send(place, config=config) == Published(1, False)
        config.write_text("description: better\n")
        with pytest.raises(
            Conflict, match=r"model\.yaml: model m is there already, with version 1"
        ):
            send(place, config=config)
        (place / "repository/m/model.yaml").unlink()
        with pytest.raises(Conflict, match=r"another model\.yaml"):
            send(place, config=config)
        assert send(place) == Published(1, False)


class TestUnwritable:
    def test_a_single_file_is_no_folder(self, place: Path) -> None:
        file = place / "m.h5"
        file.write_bytes(b"\x89HDF\r\n\x1a\n")
        with pytest.raises(Conflict, match=r"the single file m\.h5"):
            publish(file, parcel(place, "m"))

    def test_a_repository_that_is_missing(self, place: Path) -> None:
        with pytest.raises(Conflict, match="missing, or read-only"):
            publish(place / "nowhere", parcel(place, "m"))

    def test_a_copy_over_file_systems_is_proved(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rename = Path.rename

        def not_so_far(path: Path, target: Path) -> Path:
            if path.name.startswith("sent-"):
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", not_so_far)
        assert send(place) == Published(1, True)
        wrong = replace(parcel(place, "m", b"two"), digests={"model.h5": "0" * 64})
        with pytest.raises(Conflict, match="changed while it was copied"):
            publish(place / "repository", wrong)
        assert len(scan(place / "repository")) == 1


class TestKilled:
    @pytest.mark.parametrize("at", ["_move", "_place", "_finish", "_place_model", "rename_new"])
    def test_nothing_is_half_there_wherever_it_ends(self, place: Path, at: str) -> None:
        if at == "rename_new":
            send(place)
        before = [path for path in lies(place) if not path.startswith(".")]
        command = [sys.executable, "-c", NEVER_ENDS, str(place), at]
        ended = subprocess.run(command, capture_output=True, timeout=60)
        assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"there\n"), ended.stderr
        assert [path for path in lies(place) if not path.startswith(".")] == before
        assert scan(place / "repository") == [] or at == "rename_new"
        assert send(place, content=b"two").version == len(before and [1]) + 1
        left = [path for path in (place / "repository").iterdir() if path.name[0] == "."]
        os.utime(left[0], (0, 0))
        send(place, content=b"three")
        assert [path for path in lies(place) if path.startswith(".")] == []


class TestRemoval:
    def test_a_version_is_gone_with_all_its_files(self, place: Path) -> None:
        send(place)
        send(place, content=b"two")
        remove_version(place / "repository", "m", 1)
        assert lies(place) == ["m", "m/2", "m/2/manifest.json", "m/2/model.h5"]

    @pytest.mark.parametrize(
        ("model", "version", "kind"),
        [("m", 9, ModelNotFound), ("n", 1, ModelNotFound), ("m", 0, ModelNotFound),
         ("..", 1, RequestInvalid), ("bare", 1, Conflict)],
    )  # fmt: skip
    def test_what_is_not_a_version_folder_stays(
        self, place: Path, model: str, version: int, kind: type[KerasdError]
    ) -> None:
        send(place)
        (place / "repository" / "bare.h5").write_bytes(b"\x89HDF\r\n\x1a\nbare")
        before = lies(place)
        with pytest.raises(kind):
            remove_version(place / "repository", model, version)
        assert lies(place) == before

    def test_of_a_link_only_the_link_goes(self, place: Path) -> None:
        send(place)
        outside = place / "outside"
        outside.mkdir()
        (outside / "model.h5").write_bytes(b"theirs")
        (place / "repository" / "m" / "2").symlink_to(outside)
        remove_version(place / "repository", "m", 2)
        assert (outside / "model.h5").read_bytes() == b"theirs"
        assert "m/2" not in lies(place)
