"""What workers say of a version."""

from dataclasses import replace

from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord, loading_of

ROW = VersionRow("m", 1, State.READY, artefact="a")


def worker(name: str, *held: Held) -> WorkerRecord:
    return WorkerRecord(name, held)


def held(row: VersionRow, loading: Loading, reason: str = "") -> Held:
    return Held(row.model, row.version, row.identity, loading, reason)


def test_each_worker_says_how_far_it_is_with_exactly_this_form() -> None:
    older = replace(ROW, generation=1)
    other = replace(ROW, model="n")
    workers = [
        worker("one", held(other, Loading.FAILED), held(ROW, Loading.COLD, "no room")),
        worker("two", held(older, Loading.LOADED)),
        worker("three", held(ROW, Loading.LOADED)),
    ]

    found = loading_of(ROW, workers)

    assert [one.loading for one in found] == [Loading.COLD, Loading.LOADING, Loading.LOADED]
    assert found[0].reason == "no room"
    assert [one.find(ROW) is None for one in workers] == [False, True, False]


def test_what_a_worker_says_first_counts() -> None:
    """It has loaded what it couldn't load before."""
    first, second = held(ROW, Loading.LOADED), held(ROW, Loading.FAILED)

    assert loading_of(ROW, [worker("one", first, second)]) == [first]


def test_records_are_the_same_by_what_they_say() -> None:
    record = worker("one", held(ROW, Loading.LOADED))

    assert replace(record, beat=5.0).find(ROW) == record.held[0]
    assert replace(record, held=()).find(ROW) is None
    assert worker("one", held(ROW, Loading.LOADED)) == record
