"""Promote, roll back, release: loaded everywhere before, followed everywhere after."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.errors import ModelNotFound, SwapUnfinished
from service.base.http_errors import Conflict
from service.repository.audit import Order
from service.repository.consent import TIMEOUT_S
from service.repository.policy import settle
from service.repository.promotion import Promoted, Promotions
from service.repository.states import State, VersionRow, WorkerRecord
from service.repository.workers import WorkerName
from tests.repository.crew import ALWAYS, BY_ANN, FIRST, SECOND, Crew, ready

ELSEWHERE = "node/3:99:9"  # the program of a job, say: it never reports


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path)
    crew.store.change("m", lambda route: replace(route, current=1, is_pinned=True))
    crew.follow()
    yield crew
    crew.engine.dispose()


@pytest.fixture
def promotions(crew: Crew) -> Promotions:
    return Promotions(crew.store, crew.tell, crew.clock, crew.pause)


def loaded(crew: Crew) -> dict[str, set[int]]:
    return {w.worker: {held.version for held in w.held} for w in crew.store.workers()}


class TestPromoting:
    def test_every_worker_loads_before_the_pointer_moves(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        history: list[tuple[int | None, dict[str, set[int]]]] = []
        crew.meanwhile = lambda: history.append((crew.current(), loaded(crew)))

        promoted = promotions.promote("m", 2, BY_ANN)

        assert promoted == Promoted("m", before=1, version=2, revision=3)
        route = crew.store.route("m")
        assert (route.current, route.is_pinned, route.previous) == (2, True, (1,))
        assert route.preparing == ()
        for current, held in history:
            if current == 2:
                assert all(2 in versions for versions in held.values())
        assert crew.rings == 2
        assert crew.now < 0.2

    def test_it_is_written_down_with_the_change(self, crew: Crew, promotions: Promotions) -> None:
        promotions.promote("m", 2, BY_ANN)
        (entry,) = crew.store.audit()
        assert (entry.model, entry.action, entry.who, entry.why, entry.request_id) == (
            "m", "promote", "ann", "better", "r-1",
        )  # fmt: skip
        assert (entry.before, entry.after) == (
            {"current": 1, "previous": []},
            {"current": 2, "previous": [1]},
        )

    def test_to_promote_the_current_version_pins_it(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.store.change("m", lambda route: replace(route, is_pinned=False))
        assert promotions.promote("m", 1, BY_ANN).before == 1
        route = crew.store.route("m")
        assert (route.current, route.is_pinned, route.previous) == (1, True, ())

    def test_only_some_versions_before_it_are_remembered(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        for turn in range(12):
            promotions.promote("m", 2 + turn % 2, BY_ANN)
        assert crew.store.route("m").previous == (2, 3) * 5

    @pytest.mark.parametrize(("model", "version"), [("m", 9), ("n", 1), ("m", 4)])
    def test_what_is_not_there_is_not_found(
        self, crew: Crew, promotions: Promotions, model: str, version: int
    ) -> None:
        crew.store.replace([ready(1), VersionRow("m", 4, State.RETIRED, "its files are gone")])
        with pytest.raises(ModelNotFound):
            promotions.promote(model, version, BY_ANN)
        assert crew.actions() == []

    def test_what_is_not_ready_says_how_it_stands(self, crew: Crew, promotions: Promotions) -> None:
        crew.store.replace([ready(1), VersionRow("m", 2, State.FAILED, "m.h5: damaged")])
        with pytest.raises(Conflict, match=r"Version 2 of model 'm' is FAILED: m.h5: damaged"):
            promotions.promote("m", 2, BY_ANN)
        crew.store.change("m", lambda route: replace(route, retired=(2,)))
        with pytest.raises(Conflict, match="is RETIRED: retired"):
            promotions.promote("m", 2, BY_ANN)
        crew.store.change("m", lambda route: replace(route, is_unloaded=True))
        with pytest.raises(Conflict, match="Model 'm' is unloaded; load it first"):
            promotions.promote("m", 1, BY_ANN)
        assert crew.actions() == []

    def test_a_worker_that_cannot_load_it_leaves_everything_as_it_was(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.broken[f"{SECOND} 2"] = "corrupt"
        before = crew.store.route("m")
        with pytest.raises(Conflict, match=r"can't be loaded by worker 22 on host: corrupt.* 1 as"):
            promotions.promote("m", 2, BY_ANN)
        after = crew.store.route("m")
        assert replace(after, revision=0, looked=0) == replace(before, revision=0, looked=0)
        assert crew.actions() == []

    def test_a_failure_before_the_call_says_nothing(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.broken[f"{SECOND} 2"] = "corrupt"
        crew.store.change("m", lambda route: replace(route, labels={"x": 2}))
        crew.follow()
        crew.broken.clear()
        assert promotions.promote("m", 2, BY_ANN).version == 2

    def test_a_version_that_is_lost_meanwhile_ends_it(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.names = [FIRST]  # the other one doesn't follow
        crew.meanwhile = lambda: crew.store.replace([ready(1)])
        with pytest.raises(Conflict, match="Version 2 of model 'm' is not in the repository"):
            promotions.promote("m", 2, BY_ANN)
        assert crew.store.route("m").preparing == ()

    def test_a_cold_version_is_loaded_first(self, crew: Crew, promotions: Promotions) -> None:
        crew.cold = {3}
        crew.follow()
        promotions.promote("m", 3, BY_ANN)
        assert crew.current() == 3


class TestTime:
    def test_a_worker_that_hangs_is_named_and_nothing_changes(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.names = [FIRST]
        crew.haste = 40.0
        with pytest.raises(
            SwapUnfinished,
            match=r"Version 2 of model 'm' is not loaded everywhere, not done after 50 seconds: "
            r"worker 22 on host has not looked yet; nothing was changed",
        ):
            promotions.promote("m", 2, BY_ANN)
        assert TIMEOUT_S <= crew.now < TIMEOUT_S + 1
        route = crew.store.route("m")
        assert (route.current, route.preparing) == (1, ())

    def test_a_worker_that_hangs_after_the_change_is_named(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        def hang() -> None:
            if crew.current() == 2:
                crew.names, crew.haste = [FIRST], 40.0

        crew.meanwhile = hang
        with pytest.raises(SwapUnfinished, match=r"is made, but .* worker 22 on host has not foll"):
            promotions.promote("m", 2, BY_ANN)
        assert crew.current() == 2

    def test_a_worker_that_dies_meanwhile_is_not_waited_for(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.names = [FIRST]
        crew.meanwhile = lambda: crew.store.forget(SECOND)
        promotions.promote("m", 2, BY_ANN)
        assert crew.current() == 2

    def test_a_process_that_is_killed_meanwhile_is_not_waited_for(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            crew.store.forget(SECOND)
            crew.store.report(WorkerRecord(str(WorkerName.of(child.pid)), beat=ALWAYS))
            crew.names = [FIRST]
            crew.haste = 40.0
            with pytest.raises(SwapUnfinished, match=f"worker {child.pid} on"):
                promotions.promote("m", 2, BY_ANN)

            crew.meanwhile = child.kill
            promotions.promote("m", 2, BY_ANN)
        assert crew.current() == 2

    def test_a_worker_that_starts_meanwhile_is_waited_for(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        late = "host/1:33:3"

        def start() -> None:
            if late not in crew.names:
                crew.names.append(late)
                crew.follow([late])

        crew.meanwhile = start
        promotions.promote("m", 2, BY_ANN)
        assert loaded(crew)[late] == {2, 3}, "the policy has 3 loaded, too"


class TestRaces:
    def test_the_current_version_that_is_expected_guards(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        with pytest.raises(Conflict, match="is version 1, expected version 2; nothing was"):
            promotions.promote("m", 3, replace(BY_ANN, expected_current=2))
        promotions.promote("m", 3, replace(BY_ANN, expected_current=1))
        assert crew.actions() == ["promote"]

    def test_it_guards_also_when_another_was_quicker_meanwhile(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        def overtake() -> None:
            crew.store.change("m", lambda route: replace(route, current=3))

        crew.meanwhile = overtake
        with pytest.raises(Conflict, match="is version 3, expected version 1"):
            promotions.promote("m", 2, replace(BY_ANN, expected_current=1))
        route = crew.store.route("m")
        assert (route.current, route.preparing) == (3, ())

    def test_what_a_dead_process_prepared_is_dropped_and_not_what_one_elsewhere_did(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        dead = str(replace(WorkerName.of(os.getpid()), start="1"))
        entries = ((3, dead), (3, ELSEWHERE))
        crew.store.change("m", lambda route: replace(route, preparing=entries))
        promotions.promote("m", 2, BY_ANN)
        assert crew.store.route("m").preparing == ((3, ELSEWHERE),)

    def test_two_who_prepare_the_same_version_do_not_meet(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.store.change("m", lambda route: replace(route, preparing=((2, FIRST), (2, SECOND))))
        promotions.promote("m", 2, BY_ANN)
        assert crew.store.route("m").preparing == ((2, FIRST), (2, SECOND))


class TestRollback:
    def test_each_goes_further_back(self, crew: Crew, promotions: Promotions) -> None:
        promotions.promote("m", 2, BY_ANN)
        promotions.promote("m", 3, BY_ANN)
        assert promotions.rollback("m", Order("bob")) == Promoted("m", 3, 2, 7)
        assert promotions.rollback("m", Order("bob")).version == 1
        route = crew.store.route("m")
        assert (route.current, route.is_pinned, route.previous) == (1, True, ())
        assert crew.actions() == ["promote", "promote", "rollback", "rollback"]
        with pytest.raises(Conflict, match=r"current version is 1, and there was none before it"):
            promotions.rollback("m", Order("bob"))

    def test_what_is_gone_is_passed_over(self, crew: Crew, promotions: Promotions) -> None:
        promotions.promote("m", 2, BY_ANN)
        promotions.promote("m", 3, BY_ANN)
        crew.store.replace([ready(1), ready(3)])
        assert promotions.rollback("m", BY_ANN).version == 1
        assert crew.store.route("m").previous == ()

    def test_two_at_once_do_not_go_back_twice(self, crew: Crew, promotions: Promotions) -> None:
        promotions.promote("m", 2, BY_ANN)
        promotions.promote("m", 3, BY_ANN)

        def overtake() -> None:
            crew.meanwhile = lambda: None
            crew.store.change("m", lambda route: replace(route, current=2, previous=(1,)))

        crew.meanwhile = overtake
        with pytest.raises(Conflict, match="was changed meanwhile, its current version is 2"):
            promotions.rollback("m", BY_ANN)
        assert crew.current() == 2


def test_a_locked_database_changes_nothing(crew: Crew, promotions: Promotions) -> None:
    crew.engine.dispose()  # what is open has the usual patience
    with sa.create_engine(crew.engine.url).connect() as other:
        sa.event.listen(
            crew.engine, "connect", lambda opened, _: opened.execute("PRAGMA busy_timeout=1")
        )
        other.execute(sa.text("BEGIN IMMEDIATE"))
        with pytest.raises(sa.exc.OperationalError):
            promotions.release("m", BY_ANN)
        with pytest.raises(sa.exc.OperationalError):
            promotions.promote("m", 2, BY_ANN)
        other.rollback()
    assert promotions.promote("m", 2, BY_ANN).version == 2


def test_a_released_model_follows_the_policy_again(crew: Crew, promotions: Promotions) -> None:
    change = promotions.release("m", BY_ANN)
    assert (change.before.is_pinned, change.after.is_pinned, change.was) == (True, False, 1)
    rows = settle(crew.store.rows(), crew.store.routes())
    assert [row.version for row in rows if row.served] == [1, 3]
    with pytest.raises(ModelNotFound):
        promotions.release("n", BY_ANN)
