"""Which versions are deleted over HTTP, and what is written down of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.database import open_database
from service.base.errors import ModelNotFound, SwapUnfinished
from service.base.http_errors import Conflict
from service.repository.audit import Order
from service.repository.deletion import Deletions
from service.repository.layout import scan
from service.repository.route import Canary, Route
from service.repository.shelf import FolderShelf
from service.repository.states import State, VersionRow, WorkerRecord
from service.repository.store import VersionStore
from service.repository.swap import Swaps
from tests.databases import migrate
from tests.repository.crew import ALWAYS, FIRST
from tests.repository.test_publishing import send

NOW = 1_000_000_000.0
DAY_S = 86400.0
ORDER = Order("ann", "too old", "request-1")
CURRENT = "it is the current one; promote another one, or unload the model, then it can be deleted"


class Place:
    """A repository with versions 1 to 4 of one model, all READY."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "repository").mkdir()
        engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(engine)
        self.store = VersionStore(engine, "repository")
        for number in range(1, 5):
            send(folder, content=str(number).encode())
        self.store.replace([VersionRow("m", n, State.READY, artefact="a") for n in range(1, 5)])
        self.told = 0
        self.now = 0.0
        self.meanwhile: Callable[[], object] = lambda: None
        swaps = Swaps(self.store, self._tell, lambda: self.now, self._pause, lambda: NOW)
        self.deletions = Deletions(
            self.store, swaps, FolderShelf(folder / "repository"), 7, lambda: NOW
        )

    def _tell(self) -> None:
        self.told += 1

    def _pause(self, _seconds: float) -> None:
        self.now += 20
        self.meanwhile()

    def report(self, seen: int) -> None:
        """A worker that follows the model's route up to this revision."""
        self.store.report(WorkerRecord(FIRST, seen={"m": seen}, beat=ALWAYS))

    def delete(self, version: int, is_forced: bool = False) -> None:
        self.deletions.delete("m", version, ORDER, is_forced)

    def change(self, edit: Callable[[Route], Route]) -> None:
        self.store.change("m", edit)

    def versions(self) -> list[int]:
        return [found.version for found in scan(self.folder / "repository")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_version_that_nobody_needs_goes_and_it_is_written_down(place: Place) -> None:
    place.delete(1)
    assert place.versions() == [2, 3, 4]
    assert place.store.route("m").retired == (1,)
    entry = place.store.audit("m")[0]
    assert (entry.action, entry.who, entry.why) == ("delete", "ann", "too old")
    assert (entry.request_id, entry.at) == ("request-1", NOW)
    assert entry.before["version"] == 1
    assert len(entry.before["sha256"]) == 64
    assert place.told == 1


def test_the_files_go_only_when_no_worker_serves_the_version(place: Place) -> None:
    place.report(seen=0)
    lay: list[list[int]] = []

    def follow() -> None:
        lay.append(place.versions())
        place.report(seen=place.store.route("m").revision)

    place.meanwhile = follow
    place.delete(1)
    assert lay == [[1, 2, 3, 4]]
    assert place.versions() == [2, 3, 4]


def test_a_worker_that_hangs_keeps_the_files_until_a_second_call(place: Place) -> None:
    place.report(seen=0)
    with pytest.raises(SwapUnfinished, match="worker 11 on host has not followed yet"):
        place.delete(1)
    assert place.versions() == [1, 2, 3, 4]
    assert place.store.route("m").retired == (1,)
    place.store.forget(FIRST)
    place.delete(1)
    assert place.versions() == [2, 3, 4]


@pytest.mark.parametrize(
    ("edit", "version", "words"),
    [
        (lambda r: r, 4, CURRENT),
        (lambda r: replace(r, current=2), 2, CURRENT),
        (lambda r: replace(r, labels={"old": 1}), 1, "it is labelled old"),
        (
            lambda r: replace(r, labels={"new": 3}, current=4, canary=Canary("new", 5)),
            3,
            "it is labelled new",
        ),
        (lambda r: replace(r, current=4, previous=(3, 1)), 3, "a rollback goes back to it"),
        (
            lambda r: replace(r, current=4, previous=(3, 2, 1), retired=(3,)),
            2,
            "a rollback goes back to it",
        ),
        (lambda r: replace(r, preparing=((2, FIRST),)), 2, "it is being promoted"),
    ],
    ids=["policy", "current", "label", "canary", "previous", "beyond a retired one", "preparing"],
)
@pytest.mark.parametrize("is_forced", [False, True], ids=["asked", "forced"])
def test_one_that_is_needed_stays(
    place: Place, edit: Callable[[Route], Route], version: int, words: str, is_forced: bool
) -> None:
    place.change(edit)
    place.report(seen=1)  # a promoter that doesn't live has nothing kept
    with pytest.raises(Conflict) as caught:
        place.delete(version, is_forced)
    assert str(caught.value) == f"Version {version} of model m is not deleted: {words}"
    assert place.versions() == [1, 2, 3, 4]
    assert version not in place.store.route("m").retired
    assert place.store.audit() == []
    assert place.told == 0


def test_all_versions_of_an_unloaded_model_are_deleted(place: Place) -> None:
    place.change(lambda route: replace(route, current=4, previous=(3, 2), is_unloaded=True))
    place.report(seen=1)
    for number in (1, 2, 3, 4):
        place.report(seen=number + 1)
        place.delete(number)
    assert place.versions() == []


def test_one_that_answered_lately_stays_unless_it_is_forced(place: Place) -> None:
    place.store.note_used({("m", 1): NOW - 6.9 * DAY_S, ("m", 2): NOW - 7.1 * DAY_S})
    with pytest.raises(Conflict, match=r"answered within the last 7 days .*force=true"):
        place.delete(1)
    place.delete(2)
    place.delete(1, is_forced=True)
    assert place.versions() == [3, 4]


def test_one_that_answered_while_it_was_decided_stays_and_is_served_again(place: Place) -> None:
    """Workers record when they answered last before they say that they follow."""
    place.report(seen=0)

    def follow() -> None:
        place.store.note_used({("m", 1): NOW + 1})
        place.report(seen=place.store.route("m").revision)

    place.meanwhile = follow
    with pytest.raises(Conflict, match="has to stay: it answered within the last 7 days"):
        place.delete(1)
    assert place.versions() == [1, 2, 3, 4]
    assert place.store.route("m").retired == ()
    assert [entry.action for entry in place.store.audit("m")] == ["restore", "delete"]
    place.delete(1, is_forced=True)
    assert place.versions() == [2, 3, 4]


def test_what_is_not_there_is_not_found(place: Place) -> None:
    with pytest.raises(ModelNotFound, match="Could not find version 9 of model m"):
        place.delete(9)
    place.delete(1)
    with pytest.raises(ModelNotFound):
        place.delete(1)
    assert place.store.route("m").retired == (1,)


def test_a_repository_that_cannot_be_written_keeps_the_version_served(place: Place) -> None:
    (place.folder / "repository").rename(place.folder / "away")
    with pytest.raises(Conflict, match="missing, or read-only"):
        place.delete(1)
    assert place.store.route("m").retired == ()
