"""A backlog is full by its number of requests or by the time that they will take."""

from service.runtime.backlog import Backlog, QueueLimits


def test_nothing_is_known_before_the_first_run_but_the_number() -> None:
    backlog = Backlog(QueueLimits(3, 1.0), parallel=1)
    assert [backlog.is_full(waiting) for waiting in (0, 2, 3)] == [False, False, True]


def test_slow_requests_fill_it_by_time() -> None:
    backlog = Backlog(QueueLimits(100, 1.0), parallel=2)
    backlog.learn(0.5)
    assert not backlog.is_full(4)
    assert backlog.is_full(5)


def test_as_many_as_run_may_always_wait() -> None:
    backlog = Backlog(QueueLimits(100, 1.0), parallel=2)
    backlog.learn(60.0)
    assert not backlog.is_full(1)
    assert backlog.is_full(2)


def test_it_learns_that_requests_have_become_quicker() -> None:
    backlog = Backlog(QueueLimits(100, 1.0), parallel=1)
    backlog.learn(1.0)
    for _ in range(30):
        backlog.learn(0.01)
    assert not backlog.is_full(50)
