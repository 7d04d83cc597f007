"""Load, unload and reload over workers that follow; time only moves when a call pauses."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.errors import RequestInvalid
from service.repository.consent import TIMEOUT_S
from service.repository.control import LOOK_WAIT_S, Control
from service.repository.index import Standing
from service.repository.states import Loading, State, VersionRow
from tests.repository.crew import BY_ANN, FIRST, Crew, ready


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path)
    crew.store.replace([ready(2)])
    crew.store.change("m", lambda route: replace(route, current=2))
    crew.follow()
    yield crew
    crew.engine.dispose()


@pytest.fixture
def control(crew: Crew) -> Control:
    return Control(crew.store, crew.tell, crew.clock, crew.pause)


def test_unload_and_load_return_when_all_workers_have_followed(
    crew: Crew, control: Control
) -> None:
    control.unload("m", BY_ANN)
    assert not any(record.is_serving("m") for record in crew.store.workers())
    assert control.index()[0].standing is Standing.UNAVAILABLE
    control.load("m", BY_ANN)

    assert all(record.is_serving("m") for record in crew.store.workers())
    assert control.index()[0].standing is Standing.READY
    assert crew.rings == 2
    assert crew.now < 1
    assert crew.actions() == ["unload", "load"]
    last = crew.store.audit()[0]
    assert (last.who, last.why, last.request_id) == ("ann", "better", "r-1")
    assert (last.before, last.after) == (
        {"current": 2, "is_unloaded": True},
        {"current": 2, "is_unloaded": False},
    )


def test_a_reload_loads_the_same_files_anew(crew: Crew, control: Control) -> None:
    before = {held.identity for worker in crew.store.workers() for held in worker.held}
    control.reload("m", BY_ANN)
    after = {held.identity for worker in crew.store.workers() for held in worker.held}
    assert len(after) == 1
    assert not before & after
    assert crew.actions() == ["reload"]


def test_a_load_moves_the_pointer_to_what_it_has_loaded(crew: Crew, control: Control) -> None:
    crew.store.replace([ready(2), ready(3)])
    control.load("m", BY_ANN)
    assert crew.current() == 3
    assert crew.actions() == ["load", "advance"]
    revision = crew.store.route("m").revision
    assert all(worker.seen == {"m": revision} for worker in crew.store.workers())


def test_a_load_leaves_a_promoted_version_current(crew: Crew, control: Control) -> None:
    crew.store.change("m", lambda route: replace(route, is_pinned=True))
    crew.store.replace([ready(2), ready(3)])
    control.load("m", BY_ANN)
    assert crew.current() == 2
    assert {held.loading for w in crew.store.workers() for held in w.held} == {Loading.LOADED}


def test_one_worker_that_does_not_follow_is_named(crew: Crew, control: Control) -> None:
    crew.names, crew.haste = [FIRST], 40.0

    with pytest.raises(RequestInvalid, match="not done after 50 seconds: worker 22 on host"):
        control.unload("m", BY_ANN)

    assert TIMEOUT_S <= crew.now < TIMEOUT_S + 1
    assert crew.store.routes()["m"].is_unloaded


def test_without_a_controller_a_load_is_late_and_not_lost(crew: Crew, control: Control) -> None:
    crew.has_controller = False
    control.load("m", BY_ANN)
    assert LOOK_WAIT_S <= crew.now < LOOK_WAIT_S + 0.5


def test_an_unknown_model_leaves_no_trace(crew: Crew, control: Control) -> None:
    crew.haste = 10.0
    with pytest.raises(RequestInvalid, match="failed to unload 'x', it is not in"):
        control.unload("x", BY_ANN)
    assert crew.now == 0
    for name in ("x", "../x"):
        with pytest.raises(RequestInvalid, match=r", failed to poll from model repository$"):
            control.load(name, BY_ANN)
    assert set(crew.store.routes()) == {"m"}
    assert crew.store.audit() == []


def test_a_model_that_the_controller_meets_just_now_is_found(crew: Crew, control: Control) -> None:
    crew.store.replace([])
    crew.meanwhile = lambda: crew.store.replace([ready(2)])
    control.load("m", BY_ANN)
    assert crew.now < LOOK_WAIT_S


def test_a_load_whose_files_are_gone_lets_them_be_served_when_they_are_back(
    crew: Crew, control: Control
) -> None:
    crew.store.change("m", lambda route: replace(route, is_unloaded=True))
    crew.store.replace([VersionRow("m", 2, State.RETIRED)])

    with pytest.raises(RequestInvalid, match="failed to poll"):
        control.load("m", BY_ANN)

    assert not crew.store.routes()["m"].is_unloaded


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_the_later_of_two_calls_wins(crew: Crew, control: Control, verb: str) -> None:
    def oppose() -> None:
        crew.store.change("m", lambda route: replace(route, is_unloaded=verb == "load"))

    crew.meanwhile = oppose
    with pytest.raises(RequestInvalid, match=rf"failed to {verb} 'm', .* again meanwhile"):
        getattr(control, verb)("m", BY_ANN)
