"""Jobs wait for versions that are coming, as all are after a restore, and for no others."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.errors import ModelNotReady
from service.base.job_errors import Cancelled
from service.base.refusals import TrainingRefused
from service.jobs.attempt import Attempt
from service.jobs.job import JobOrder, JobState, Kind
from service.jobs.store import JobStore
from service.repository.states import State
from service.training.batch_predict import batch_predict
from service.training.coming import await_current, await_version
from service.training.sources import find_ready
from service.training.workplace import open_workplace
from tests.repository.crew import ready
from tests.training.batch_state import MODEL, VERSION, make_state, write_files
from tests.training.test_release import Press


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    """After a restore: version 3 was current, and nothing is compiled."""
    made = Press(tmp_path)
    made.crew.store.change("m", lambda route: replace(route, current=3))
    compiling(made, 1, 2, 3)
    yield made
    made.crew.engine.dispose()


def compiling(press: Press, *versions: int) -> None:
    """These are being compiled; the others of the three are READY."""
    state = dict.fromkeys(versions, State.COMPILING)
    rows = [replace(ready(n), state=state.get(n, State.READY)) for n in (1, 2, 3)]
    press.crew.store.replace(rows)


def later(press: Press, *turns: tuple[int, ...]) -> None:
    """Who is still being compiled at each look."""
    following = iter(turns)
    press.crew.meanwhile = lambda: compiling(press, *next(following))


def test_a_version_that_is_coming_is_waited_for(press: Press) -> None:
    later(press, (2, 3), (3,), ())

    row = await_version(press.place, press.attempt, 3, press.crew.clock, press.crew.pause)

    assert row is not None
    assert row.state is State.READY


def test_a_version_that_is_not_there_or_failed_is_not_waited_for(press: Press) -> None:
    press.crew.store.replace([replace(ready(1), state=State.FAILED, reason="too large")])

    for version, why in [(1, "it is FAILED: too large"), (9, "it isn't there")]:
        with pytest.raises(TrainingRefused, match=why):
            find_ready(press.place, press.attempt, version)


def test_nothing_is_waited_for_without_end(press: Press) -> None:
    clock, pause = press.crew.clock, press.crew.pause

    with pytest.raises(ModelNotReady, match="version 3 is still being compiled"):
        await_version(press.place, press.attempt, 3, clock, pause)
    with pytest.raises(ModelNotReady, match="its current version is still being compiled"):
        await_current(press.place, press.attempt, clock, pause)

    assert 2 * press.place.compile_timeout_s <= press.crew.now


def test_another_version_is_not_the_champion_while_the_current_one_is_coming(
    press: Press,
) -> None:
    later(press, (2, 3), (3,), ())

    assert await_current(press.place, press.attempt, press.crew.clock, press.crew.pause) == 3


def test_where_none_was_current_the_first_is_waited_for_and_not_those_after_it(
    press: Press,
) -> None:
    press.crew.store.change("m", lambda route: replace(route, current=None))
    later(press, (2, 3))

    assert await_current(press.place, press.attempt, press.crew.clock, press.crew.pause) == 1


def test_of_a_model_that_was_unloaded_nothing_is_waited_for(press: Press) -> None:
    press.crew.store.change("m", lambda route: replace(route, is_unloaded=True))

    assert await_current(press.place, press.attempt, press.crew.clock, press.crew.pause) is None


def test_a_cancelled_job_waits_no_longer(press: Press) -> None:
    press.jobs.ask_cancel(press.attempt.job.id, 3000.0)
    press.attempt.beat()

    with pytest.raises(Cancelled):
        await_version(press.place, press.attempt, 3, press.crew.clock, press.crew.pause)


def test_no_other_is_held_in_the_place_of_a_champion_that_is_compiled_anew(press: Press) -> None:
    compiling(press, 3)
    press.crew.follow()
    later(press, *[(3,)] * 30, *[()] * 100)

    press.release.hold("m", "a candidate waits for an operator")

    assert press.crew.current() == 3


@pytest.mark.parametrize("version", [VERSION, None], ids=["named", "current"])
def test_a_batch_prediction_waits_for_its_version(tmp_path: Path, version: int | None) -> None:
    state = make_state(tmp_path)
    write_files(state, files=1, rows=5)
    place = open_workplace(state.settings, state.engine)
    (row,) = place.versions.rows(MODEL)
    place.versions.replace([replace(row, state=State.COMPILING)])
    jobs = JobStore(state.engine, state.settings.repository_key)
    request = {"input": "in", "output": "out", "version": version}
    jobs.submit(JobOrder(Kind.BATCH_PREDICT, MODEL, request, "ada"), 1000.0)
    job = jobs.claim(1000.0, 1)
    assert job is not None
    controller = threading.Timer(0.3, place.versions.replace, [[row]])
    controller.start()

    ended = batch_predict(Attempt(jobs, job, tmp_path), place)

    controller.join()
    assert (ended.state, ended.result["version"]) == (JobState.SUCCEEDED, VERSION)
    state.engine.dispose()
