"""A repository full of hostile files: the service goes on answering, and doesn't grow."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import pytest

from service.base.confinement import Limits
from service.base.database import migrate, open_database
from service.base.resident import resident_bytes
from service.controller.controller import Controller
from service.controller.limits import ControllerLimits
from service.repository.states import State
from service.repository.store import VersionStore
from tests.attacks.case import Case, read_manifest
from tests.attacks.layout import place_case
from tests.running import RunningService, running, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SAMPLE = "breast-cancer"
EVERY = 9  # how many of the cases are dropped into a live service: one of so many
BROKEN, FIRST = 200, 20
MAY_GROW = 5 * 1024**2
LIMITS = ControllerLimits(
    settle_s=0.0, jobs=2, timeout_s=60.0, child=Limits(8 * 1024**3, cpu_s=60, file_size=1024**3)
)


def test_a_service_under_attack_goes_on_answering(
    attack_corpus: Path, sample_repository: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    copytree(sample_repository / SAMPLE, repository / SAMPLE)
    hostile = [c for c in read_manifest(attack_corpus) if c.is_model and c.expect != "load"]
    chosen = [case for case in hostile if not case.either][::EVERY]
    body = (repository / SAMPLE / "examples.json").read_bytes()
    brief = {"compile_cpu_s": "40", "compile_timeout_s": "60", "warm_up_s": "10"}
    with running(repository, tmp_path / "state", **brief) as service:
        service.wait_ready()
        before = _pids(service)
        right = service.predict(SAMPLE, body).json()["predictions"]
        with _asking(service, body, right) as wrong:
            for case in chosen:
                place_case(attack_corpus, case, repository / case.id)
            wait_until(lambda: _all_failed(service, chosen), "every hostile version has failed")
        after = _pids(service)

    assert wrong == []
    assert after == before
    assert list((attack_corpus / "markers").iterdir()) == []


@pytest.mark.alone
def test_the_controller_does_not_grow_with_what_it_refuses(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    for number in range(BROKEN):
        folder = repository / f"broken{number}" / "1"
        folder.mkdir(parents=True)
        (folder / "model.json").write_text(json.dumps({"class_name": "Sequential", "n": number}))
    engine = open_database(f"sqlite:///{tmp_path}/db.sqlite")
    migrate(engine)
    store = VersionStore(engine, "repository")
    controller = Controller(
        repository, store, tmp_path / "compiled", tmp_path / "run", LIMITS, time.time
    )

    try:
        _step_until(controller, store, FIRST)
        early = resident_bytes()
        _step_until(controller, store, BROKEN)
        late = resident_bytes()
    finally:
        controller.close()

    assert late - early < MAY_GROW
    assert list((tmp_path / "run" / "children").iterdir()) == []


def _pids(service: RunningService) -> tuple[list[int], list[int]]:
    return service.workers(), service.pids(" controller ")


def _all_failed(service: RunningService, cases: list[Case]) -> bool:
    states = service.states()
    return all(states.get((case.id, 1), ("", ""))[0] == "FAILED" for case in cases)


@contextmanager
def _asking(service: RunningService, body: bytes, right: object) -> Iterator[list[object]]:
    """Ask for the same prediction over and over; the list has every answer that was not right."""
    wrong: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answer = service.predict(SAMPLE, body)
            if answer.status_code != 200 or answer.json()["predictions"] != right:
                wrong.append((answer.status_code, answer.text[:500]))
            stop.wait(0.02)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        thread.join()


def _step_until(controller: Controller, store: VersionStore, failed: int) -> None:
    """Step until so many versions have failed; the children take real time."""
    deadline = time.monotonic() + 600
    while sum(row.state is State.FAILED for row in store.rows()) < failed:
        assert time.monotonic() < deadline
        controller.step(time.monotonic())
        time.sleep(0.02)
