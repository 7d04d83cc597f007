"""How a version stands over all workers."""

import pytest

from service.repository.index import IndexEntry, Standing, make_index
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord

SERVED = VersionRow("m", 2, State.READY, served=True, artefact="b")
OLD = VersionRow("m", 1, State.READY, artefact="a")


def worker(*held: Held) -> WorkerRecord:
    return WorkerRecord("host/1:1:1", held)


def holds(row: VersionRow, loading: Loading = Loading.LOADED, reason: str = "") -> Held:
    return Held(row.model, row.version, row.identity, loading, reason)


def index(row: VersionRow, *workers: WorkerRecord, unloaded: bool = False) -> tuple[Standing, str]:
    (entry,) = make_index([row], {"m"} if unloaded else set(), list(workers))
    assert (entry.model, entry.version) == (row.model, row.version)
    return entry.standing, entry.reason


def test_every_version_is_listed() -> None:
    rows = [OLD, SERVED, VersionRow("n", 1, State.FAILED, "damaged")]

    assert make_index(rows, set(), [worker(holds(SERVED))]) == [
        IndexEntry("m", 1, Standing.UNAVAILABLE, "not served"),
        IndexEntry("m", 2, Standing.READY),
        IndexEntry("n", 1, Standing.UNAVAILABLE, "damaged"),
    ]


def test_ready_is_what_every_worker_has_loaded() -> None:
    loaded = worker(holds(SERVED))

    assert index(SERVED, loaded, loaded)[0] is Standing.READY
    assert index(SERVED, loaded, worker())[0] is Standing.LOADING
    assert index(SERVED, loaded, worker(holds(OLD)))[0] is Standing.LOADING
    assert index(SERVED)[0] is Standing.LOADING


def test_what_a_worker_tries_again_is_loading_and_tells_why() -> None:
    lost = worker(holds(SERVED, Loading.RETRYING, "runtime lost"))

    assert index(SERVED, worker(holds(SERVED)), lost) == (Standing.LOADING, "runtime lost")


def test_what_no_worker_can_load_is_unavailable() -> None:
    broken = worker(holds(SERVED, Loading.FAILED, "corrupt"))

    assert index(SERVED, broken, worker()) == (Standing.UNAVAILABLE, "corrupt")
    assert index(SERVED, broken, worker(holds(SERVED))) == (Standing.LOADING, "corrupt")


def test_a_cold_version_is_ready_and_loaded_on_demand() -> None:
    cold = worker(holds(SERVED, Loading.COLD))

    assert index(SERVED, worker(holds(SERVED)), cold) == (Standing.READY, "loaded on demand")
    assert index(SERVED, worker(), cold)[0] is Standing.LOADING
    spoilt = VersionRow("m", 2, State.READY, "its files are FAILED", "b", served=True)
    assert index(spoilt, cold) == (Standing.READY, "its files are FAILED; loaded on demand")


def test_a_version_that_cannot_be_loaded_does_not_hide_behind_another() -> None:
    broken = worker(holds(SERVED, Loading.FAILED, "corrupt"), holds(OLD))

    assert index(SERVED, broken) == (Standing.UNAVAILABLE, "corrupt")


def test_what_a_worker_still_has_is_unloading() -> None:
    assert index(OLD, worker(holds(OLD)), worker())[0] is Standing.UNLOADING


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (OLD, (Standing.UNAVAILABLE, "unloaded")),
        (VersionRow("m", 1, State.COMPILING), (Standing.UNAVAILABLE, "unloaded")),
        (VersionRow("m", 1, State.FAILED, "damaged"), (Standing.UNAVAILABLE, "damaged")),
    ],
)
def test_an_unloaded_model_is_unavailable(row: VersionRow, expected: tuple[Standing, str]) -> None:
    assert index(row, worker(), unloaded=True) == expected


def test_what_is_being_compiled_is_loading() -> None:
    assert index(VersionRow("m", 3, State.COMPILING)) == (
        Standing.LOADING,
        "it is being compiled",
    )
    postponed = VersionRow("m", 3, State.DISCOVERED, "the disk is full")
    assert index(postponed) == (Standing.LOADING, "the disk is full")
