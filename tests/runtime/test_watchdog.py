"""The watchdog stops what is beyond its deadline, nothing else, and sleeps when nothing runs."""

import threading

from service.runtime.watchdog import Watchdog


class Run:
    """What a run looks at: sets an event instead of an attribute alone."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    @property
    def terminate(self) -> bool:
        return self.stopped.is_set()

    @terminate.setter
    def terminate(self, value: bool) -> None:
        assert value
        self.stopped.set()


def test_a_step_stops_what_is_late_alone() -> None:
    watchdog, late, other, ended = Watchdog(), Run(), Run(), Run()
    for run, deadline in ((late, 1e9), (other, 2e9), (ended, 1e9)):
        watchdog.guard(run, deadline)
    watchdog.release(ended)
    watchdog.step(1.5e9)
    assert (late.terminate, other.terminate, ended.terminate) == (True, False, False)
    watchdog.close()


def test_its_thread_stops_late_runs_and_wakes_for_each() -> None:
    watchdog = Watchdog()
    for _ in range(3):
        run = Run()
        watchdog.guard(run, 0.0)
        assert run.stopped.wait(30)
        watchdog.release(run)
    watchdog.close()


def test_no_thread_before_the_first_run_and_one_for_all() -> None:
    watchdog = Watchdog()
    before = threading.active_count()
    runs = [Run() for _ in range(5)]
    assert threading.active_count() == before
    for run in runs:
        watchdog.guard(run, 1e12)
    assert threading.active_count() == before + 1
    watchdog.close()
    assert threading.active_count() == before
    assert not any(run.terminate for run in runs)


def test_closed_before_its_first_run_it_stays_without_a_thread() -> None:
    watchdog = Watchdog()
    watchdog.close()
    before = threading.active_count()
    watchdog.guard(Run(), 0.0)
    assert threading.active_count() == before
