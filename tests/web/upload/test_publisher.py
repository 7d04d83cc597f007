"""From what was received to a version: looked at, published, written down; and what is refused."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import pytest

from service.base.database import open_database
from service.base.errors import KerasdError, RequestInvalid
from service.base.http_errors import Conflict, UploadRefused
from service.base.settings import Settings
from service.repository.audit import Order
from service.repository.layout import scan
from service.repository.manifest import read_provenance
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.web.upload.head import UploadHead
from service.web.upload.publisher import Outcome, Publisher
from service.web.upload.receiver import Received
from tests.databases import migrate
from tests.loading.handmade import (
    layer,
    sequential,
    tiny,
    write_archive,
    write_weights,
    write_whole,
)

pytestmark = pytest.mark.slow  # each looks at files in a process of its own

ORDER = Order("ann", "better", "request-1")
HEAD = UploadHead("m")
Write = Callable[[Path], object]


class Place:
    """A repository, a database, and a publisher over them."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        (folder / "repository").mkdir()
        self.folder = folder
        self.settings = Settings(
            repository=folder / "repository", state_dir=folder / "state", **settings
        )
        engine = open_database(self.settings.database)
        migrate(engine)
        self.store = VersionStore(engine, self.settings.repository_key)
        self.pauses: list[State] = []
        self.publisher = Publisher(self.store, self.settings, self._clock, self._pause)

    def publish(
        self, head: UploadHead = HEAD, files: dict[str, Write] | None = None, **fields: str
    ) -> Outcome:
        """Publish files that were written by hand; a whole .h5 if nothing else is said."""
        incoming = self.folder / f"sent-{os.urandom(4).hex()}"
        incoming.mkdir()
        paths: dict[str, Path] = {}
        for name, write in (files or {"model.h5": write_whole}).items():
            paths[name] = incoming / name
            write(paths[name])
        digests = {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()
        }
        return self.publisher.publish(head, Received(paths, digests, fields), ORDER)

    def lies(self) -> list[str]:
        root = self.folder / "repository"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*"))

    def _clock(self) -> float:
        return float(len(self.pauses))

    def _pause(self, _seconds: float) -> None:
        """A second of the controller's work."""
        state = [State.DISCOVERED, State.COMPILING, self.ends][min(len(self.pauses), 2)]
        self.pauses.append(state)
        self.store.replace([VersionRow("m", 1, state, "its reason", artefact="a")])

    ends = State.READY


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    left = made.settings.run_dir / "uploads"
    assert not left.is_dir() or list(left.iterdir()) == []


def text(content: str) -> Write:
    return lambda path: path.write_text(content)


class TestPublished:
    def test_at_once_it_is_told_what_became_of_it(self, place: Place) -> None:
        outcome = place.publish()
        folder = place.folder / "repository" / "m" / "1"
        digest = hashlib.sha256((folder / "model.h5").read_bytes()).hexdigest()
        assert outcome.status == 202
        assert outcome.record == {
            "model": "m", "version": 1, "state": "DISCOVERED", "sha256": digest,
            "files": {"model.h5": {"sha256": digest}},
        }  # fmt: skip
        told = read_provenance(folder)
        assert (told.uploaded_by, told.why, told.parent) == ("ann", "better", None)
        entry = place.store.audit("m")[0]
        assert (entry.action, entry.who, entry.why, entry.request_id) == (
            "upload", "ann", "better", "request-1",
        )  # fmt: skip
        assert entry.after == {"version": 1, "sha256": digest}
        assert place.store.routes() == {}, "an upload decides nothing"

    def test_again_it_is_the_same_and_nothing_is_written_down(self, place: Place) -> None:
        first, second = place.publish(), place.publish()
        assert (first.status, second.status) == (202, 200)
        assert second.record == first.record
        assert len(place.store.audit()) == 1

    def test_the_version_that_was_current_is_the_parent_unless_another_is_told(
        self, place: Place
    ) -> None:
        place.store.replace([VersionRow("m", 4, State.READY, artefact="a")])
        place.publish()
        place.publish(replace(HEAD, again=True), parent="2")
        model = place.folder / "repository" / "m"
        assert [read_provenance(model / n).parent for n in ("5", "6")] == [4, 2]

    def test_files_of_each_kind(self, place: Place) -> None:
        pair = {
            "architecture.json": text(json.dumps(tiny())),
            "weights.h5": write_weights,
            "model.yaml": text("labels: [a, b, c]\n"),
        }
        assert place.publish(UploadHead("pair"), pair).status == 202
        assert place.publish(UploadHead("zip"), {"model.keras": _archive}).status == 202
        assert [(f.model, len(f.files)) for f in scan(place.folder / "repository")] == [
            ("pair", 2), ("zip", 1),
        ]  # fmt: skip
        assert (place.folder / "repository/pair/model.yaml").read_text() == "labels: [a, b, c]\n"

    @pytest.mark.parametrize("more", ["", "#" * 100_000], ids=["short", "long"])
    def test_the_configuration_that_is_there_counts(self, place: Place, more: str) -> None:
        """Here it names a module that nobody has registered."""
        (place.folder / "repository" / "m").mkdir()
        config = place.folder / "repository" / "m" / "model.yaml"
        config.write_text(f"custom_objects: [strange]\n{more}")
        with pytest.raises(UploadRefused, match="custom_objects names strange"):
            place.publish()
        config.write_text(f"labels: 3\n{more}")
        assert place.publish().status == 202

    def test_a_model_file_may_be_called_like_what_is_ours(self, place: Place) -> None:
        files = {"config": write_whole, "model.yaml": text("description: Is it?\n")}
        assert place.publish(files=files).status == 202
        assert place.lies() == ["m", "m/1", "m/1/config", "m/1/manifest.json", "m/model.yaml"]

    @pytest.mark.parametrize("ends", [State.READY, State.FAILED])
    def test_who_waits_hears_how_it_ended(self, place: Place, ends: State) -> None:
        place.ends = ends
        head = replace(HEAD, wait=True)
        if ends is State.READY:
            assert place.publish(head).status == 201
        else:
            with pytest.raises(UploadRefused, match=r"Version 1 of model m .* its reason"):
                place.publish(head)
        assert place.pauses == [State.DISCOVERED, State.COMPILING, ends]

    def test_who_waits_too_long_hears_how_far_it_is(self, place: Place) -> None:
        place.ends = State.COMPILING
        outcome = place.publish(replace(HEAD, wait=True))
        assert (outcome.status, outcome.record["state"]) == (202, "COMPILING")
        assert len(place.pauses) == 50


class TestRefused:
    @pytest.mark.parametrize(
        ("files", "words"),
        [
            ({"model.h5": text("no model")}, "neither HDF5"),
            ({"model.h5": lambda path: path.write_bytes(b"\x80\x04pickle")}, "Python pickle"),
            ({"model.h5": lambda path: _cut(path)}, "damaged or incomplete"),
            ({"model.h5": lambda path: _lambda(path)}, "Lambda"),
            ({"model.h5": lambda path: _link_out(path)}, "model.h5 is refused.*ExternalLink"),
            ({"model.h5": lambda path: write_whole(path, _unknown())}, "Strange"),
            ({"a.h5": write_whole, "b.h5": lambda path: write_whole(path, version="2")}, "several"),
            ({"weights.h5": write_weights}, "holds weights only"),
            ({"saved_model.pb": text("x")}, "upload_saved_models"),
        ],
        ids=["text", "pickle", "cut", "lambda", "link", "unknown", "two", "weights", "saved"],
    )  # fmt: skip
    def test_what_cannot_be_served_is_not_published(
        self, place: Place, files: dict[str, Write], words: str
    ) -> None:
        with pytest.raises(UploadRefused, match=words):
            place.publish(files=files)
        assert place.lies() == []
        assert place.store.audit() == []

    @pytest.mark.parametrize(
        ("config", "words"),
        [
            ("labels: 3\n", "model.yaml: labels"),
            ("a: &a [1]\nb: *a\n", "aliases"),
            ("allow_lambda: {1: '" + "0" * 64 + "'}\n", "not taken over HTTP"),
            ("retrain: {webhook: 'http://10.0.0.1/x'}\n", "retrain.webhook"),
            ("custom_objects: [subprocess]\n", "names subprocess; the setting custom_objects"),
            ('description: "\\ud800"\n', "description"),
            ("#" * 65_537, "at most 65536 bytes over HTTP, got 65537"),
            ("{a: " * 10_000, "model.yaml"),
        ],
        ids=["wrong", "aliases", "lambda", "hook", "module", "half a character", "long", "deep"],
    )
    def test_a_configuration_that_may_not_be(self, place: Place, config: str, words: str) -> None:
        with pytest.raises(UploadRefused, match=words):
            place.publish(files={"model.h5": write_whole, "model.yaml": text(config)})
        assert place.lies() == []

    @pytest.mark.parametrize(
        ("head", "fields", "kind", "words"),
        [
            (HEAD, {"parent": "x"}, RequestInvalid, "parent: expected a positive whole number"),
            (HEAD, {"why": "a\nb"}, RequestInvalid, "why: expected one line without control"),
            (HEAD, {"color": "x"}, RequestInvalid, "expected files and the fields parent, why"),
            (UploadHead("M"), {}, Conflict, "by its case only"),
            (replace(HEAD, version=1, again=True), {}, Conflict, "has a version 1 already"),
        ],
        ids=["parent", "why", "field", "case", "version"],
    )
    def test_what_does_not_go_together(
        self, place: Place, head: UploadHead, fields: dict[str, str],
        kind: type[KerasdError], words: str,
    ) -> None:  # fmt: skip
        place.publish()
        before = place.lies()
        with pytest.raises(kind, match=words):
            place.publish(head, None, **fields)
        assert place.lies() == before

    def test_a_number_that_a_deleted_version_had_is_not_given_again(self, place: Place) -> None:
        place.store.replace([VersionRow("m", 3, State.RETIRED)])
        with pytest.raises(Conflict, match="not used twice"):
            place.publish(replace(HEAD, version=3))
        assert place.publish().record["version"] == 4


def test_a_model_folder_without_a_database_is_not_lost(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with pytest.MonkeyPatch.context() as patch:

        def lock(*_: object) -> None:
            patch.setattr(VersionStore, "rows", _locked)
            _locked()

        patch.setattr(VersionStore, "note", lock)
        outcome = place.publish()
    assert (outcome.status, outcome.record["state"]) == (202, "DISCOVERED")
    assert len(scan(place.folder / "repository")) == 1


def _locked(*_: object) -> None:
    import sqlalchemy.exc

    raise sqlalchemy.exc.OperationalError("UPDATE", {}, Exception("database is locked"))


def _archive(path: Path) -> None:
    write_archive(path.with_suffix(".keras")).rename(path)


def _cut(path: Path) -> None:
    content = write_whole(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _lambda(path: Path) -> None:
    code = layer("Lambda", name="code", function=["4wEAAAA=", None, None], function_type="lambda")
    write_whole(path, sequential(*tiny()["config"]["layers"], code))


def _link_out(path: Path) -> None:
    write_whole(path)
    with h5py.File(path, "a") as file:
        del file["model_weights/dense/dense/bias:0"]
        file["model_weights/dense/dense/bias:0"] = h5py.ExternalLink("/etc/passwd", "/bias")


def _unknown() -> dict[str, Any]:
    return sequential(*tiny()["config"]["layers"], layer("Strange", name="strange"))
