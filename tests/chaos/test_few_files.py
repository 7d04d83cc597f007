"""No more than 64 open files a process, and more clients than that."""

import resource
import time
from collections.abc import Callable

import pytest

from tests.chaos.figures import Figures, figures_of
from tests.chaos.house import House
from tests.chaos.load import Load, Question
from tests.chaos.seen import DIED, REFUSED
from tests.chaos.verdict import failures, recovered_s, wrong
from tests.running import RunningService

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FILES = 64
CROWD = 200
CROWD_S = 6.0


def test_a_crowd_is_answered_or_refused_and_leaves_nothing_behind(
    house: House, tell: Callable[[Figures], None]
) -> None:
    house.furnish({"m": {1: 10, 2: 20}})
    service = RunningService(house.repository, house.state_dir)
    resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
    try:
        service.wait_ready()
        workers = service.workers()
        limits = {resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in workers}
        with Load(service.port, [Question("m")], CROWD, 0.2) as crowd:
            time.sleep(CROWD_S)
            good = crowd.good_since(0)
        over = time.monotonic()
        with Load(service.port, [Question("m"), Question("m", 2)]) as after:
            after.wait_for(200)
        alive = service.workers() == workers
    finally:
        service.stop()
    seen = [*crowd.seen, *after.seen]
    errors = wrong(seen, house.published)
    tell(
        figures_of(
            "64 open files, 200 clients", seen, len(errors), recovered_s(after.seen, over),
            answered=good, workers_lived=alive,
        )
    )  # fmt: skip
    assert limits == {(FILES, FILES)}
    assert errors == []
    assert set(failures(crowd.seen)) <= {DIED, REFUSED, "429", "503"}
    assert good > CROWD
    assert failures(after.seen) == {}
    assert alive
