"""Calls of operators over two workers on one database, each stepped by hand while a call waits."""

import os
from pathlib import Path

import pytest

from service.base.errors import ModelNotFound, RequestInvalid, RuntimeLost
from service.repository.audit import Order
from service.repository.control import Control
from service.repository.index import Standing
from service.repository.states import State, VersionRow
from service.repository.workers import WorkerName
from tests.web.worlds import World, ready

BY = Order("ann")


class Service:
    """Two workers, the control of the first one, and a controller that only answers."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.first = World(folder)
        self.second = World(folder, WorkerName.of(os.getppid()))
        self.stepped = [self.first, self.second]
        self.control = self.controlled(self.first.bell.ring)

    def controlled(self, tell: object) -> Control:
        return Control(self.first.store, tell, lambda: self.now, self.pause)  # type: ignore[arg-type]

    def pause(self, seconds: float) -> None:
        self.now += seconds
        store = self.first.store
        store.answer(store.routes().values())
        for world in self.stepped:
            world.reloader.step(self.now)

    def serving(self) -> list[bool]:
        return [world.pool.has("m") for world in (self.first, self.second)]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    service = Service(tmp_path)
    service.first.store.replace([ready(1)])
    service.pause(0.0)
    return service


def test_after_an_unload_no_worker_answers_and_after_a_load_all_do(service: Service) -> None:
    assert service.serving() == [True, True]
    service.control.unload("m", BY)
    assert service.serving() == [False, False]
    with pytest.raises(ModelNotFound):
        service.second.answers()
    service.control.load("m", BY)
    assert service.serving() == [True, True]
    assert service.now < 0.3


def test_a_call_that_is_repeated_changes_nothing(service: Service) -> None:
    service.control.load("m", BY)
    assert len(service.second.loads) == 1
    for _ in range(2):
        service.control.unload("m", BY)
    assert service.serving() == [False, False]


def test_a_reload_loads_anew_in_every_worker(service: Service) -> None:
    service.control.reload("m", BY)
    for world in (service.first, service.second):
        assert [each.is_closed for each in world.loads] == [True, False]


def test_a_worker_that_starts_meanwhile_is_waited_for(service: Service, tmp_path: Path) -> None:
    service.first.route(is_unloaded=True)
    service.pause(0.0)
    late = World(tmp_path, WorkerName("other/1", 1, "1"))

    def start_late() -> None:
        service.stepped.append(late)
        late.reloader.step(service.now)

    service.controlled(start_late).load("m", BY)
    assert late.pool.has("m")


def test_a_worker_that_has_ended_is_not_waited_for(service: Service) -> None:
    service.second.reloader.close()
    service.stepped.remove(service.second)
    service.second.pool.resync = lambda: None
    service.control.unload("m", BY)
    assert service.serving() == [False, True], "it is gone, whatever its pool says"


def test_a_load_waits_until_a_failure_has_passed(service: Service) -> None:
    service.control.unload("m", BY)
    service.second.error = RuntimeLost("it isn't running yet")
    stepped = service.second.reloader.step

    def mend_after_a_while(now: float) -> None:
        if now > 3.0:
            service.second.error = None
        stepped(now)

    service.second.reloader.step = mend_after_a_while  # type: ignore[method-assign]
    service.control.load("m", BY)
    assert service.serving() == [True, True]
    assert service.now > 3.0


def test_a_load_that_fails_in_one_worker_tells_why(service: Service) -> None:
    service.control.unload("m", BY)
    service.second.error = RequestInvalid("can't")
    with pytest.raises(RequestInvalid, match=r"failed to load 'm', version 1: .*can't"):
        service.control.load("m", BY)


def test_changed_files_are_served_when_a_load_is_answered(service: Service) -> None:
    store = service.first.store
    store.replace([VersionRow("m", 1, State.READY, artefact="a", files_state=State.COMPILING)])
    pause = service.pause

    def compiled_after_a_while(seconds: float) -> None:
        if 2.0 < service.now < 2.1:
            store.replace([ready(1, "changed")])
        pause(seconds)

    Control(store, lambda: None, lambda: service.now, compiled_after_a_while).load("m", BY)
    for world in (service.first, service.second):
        with world.pool.lease("m") as slot:
            assert "changed" in slot.identity


def test_the_index_follows(service: Service) -> None:
    def standings() -> list[tuple[Standing, str]]:
        return [(entry.standing, entry.reason) for entry in service.control.index()]

    assert standings() == [(Standing.READY, "")]
    service.first.route(is_unloaded=True)
    service.first.reloader.step(1.0)
    assert standings() == [(Standing.UNLOADING, "unloaded")]
    service.second.reloader.step(1.0)
    assert standings() == [(Standing.UNAVAILABLE, "unloaded")]
    service.first.route(is_unloaded=False)
    service.first.reloader.step(2.0)
    assert standings() == [(Standing.LOADING, "")]
