"""Versions that the controller hasn't got ready yet, and that jobs wait for: after a restore all of
them are compiled anew.
"""

import time
from collections.abc import Callable

from service.base.errors import ModelNotReady
from service.jobs.attempt import Attempt
from service.repository.policy import current_of, settle
from service.repository.states import COMING, VersionRow
from service.training.workplace import Workplace

PAUSE_S = 0.2
Clock = Callable[[], float]
Pause = Callable[[float], None]


def wait_while(
    is_coming: Callable[[], bool],
    place: Workplace,
    attempt: Attempt,
    clock: Clock = time.monotonic,
    pause: Pause = time.sleep,
) -> bool:
    """Wait for the controller, for as long as one version may take it; whether it came to an end.

    Raises Cancelled, Superseded.
    """
    give_up_at = clock() + place.compile_timeout_s
    while is_coming():
        if clock() >= give_up_at:
            return False
        if attempt.is_stopped:
            attempt.check()
        pause(PAUSE_S)
    return True


def find_row(place: Workplace, model: str, version: int) -> VersionRow | None:
    """What is recorded of a version now, if anything."""
    return next((row for row in place.versions.rows(model) if row.version == version), None)


def await_version(
    place: Workplace,
    attempt: Attempt,
    version: int,
    clock: Clock = time.monotonic,
    pause: Pause = time.sleep,
) -> VersionRow | None:
    """What is recorded of a version of the job's model once it isn't coming any more.

    Raises ModelNotReady where that takes too long, Cancelled, Superseded.
    """
    model = attempt.job.model

    def is_coming() -> bool:
        row = find_row(place, model, version)
        return row is not None and row.state in COMING

    if not wait_while(is_coming, place, attempt, clock, pause):
        raise ModelNotReady(model, f"version {version} is still being compiled")
    return find_row(place, model, version)


def await_current(
    place: Workplace, attempt: Attempt, clock: Clock = time.monotonic, pause: Pause = time.sleep
) -> int | None:
    """The version of the job's model that answers now, if any: while the one that is to answer is
    coming, another that stands in for it isn't taken.

    Raises ModelNotReady where that takes too long, Cancelled, Superseded.
    """
    model = attempt.job.model
    if not wait_while(lambda: _is_current_coming(place, model), place, attempt, clock, pause):
        raise ModelNotReady(model, "its current version is still being compiled")
    return current_version(place, model)


def current_version(place: Workplace, model: str) -> int | None:
    """The version that answers now, if any."""
    rows = place.versions.rows(model)
    return current_of(settle(rows, {model: place.versions.route(model)}))


def _is_current_coming(place: Workplace, model: str) -> bool:
    route = place.versions.route(model)
    rows = settle(place.versions.rows(model), {model: route})
    coming = {row.version for row in rows if row.state in COMING}
    if route.is_unloaded:
        return False
    return route.current in coming or (current_of(rows) is None and bool(coming))
