"""Which versions have to stay, which may go, and how they go."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.errors import ModelNotFound
from service.base.http_errors import Conflict
from service.repository.policy import settle
from service.repository.promotion import Promotions
from service.repository.retirement import DAY_S, Sweep, Use, why_kept
from service.repository.route import Route
from service.repository.states import State, VersionRow
from tests.repository.crew import BY_ANN, FIRST, Crew, by_policy, ready

NOW = 1_800_000_000.0
ROUTE = Route(
    "m", current=8, is_pinned=True, previous=(6, 5), labels={"a": 4, "b": 4},
    preparing=((3, FIRST),),
)  # fmt: skip


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path)
    crew.store.replace([*map(ready, range(1, 10)), VersionRow("m", 10, State.FAILED)])
    crew.store.change("m", lambda _: ROUTE)
    crew.follow()
    yield crew
    crew.engine.dispose()


@pytest.fixture
def promotions(crew: Crew) -> Promotions:
    return Promotions(crew.store, crew.tell, crew.clock, crew.pause)


class TestStaying:
    @pytest.mark.parametrize(
        ("version", "why"),
        [
            (8, "it is the current one"),
            (4, "it is labelled a, b"),
            (6, "a rollback goes back to it"),
            (3, "it is being promoted"),
            (5, ""),
            (9, ""),
        ],
    )
    def test_what_has_to_stay_says_why(self, version: int, why: str) -> None:
        rows = settle(map(ready, range(1, 10)), {"m": ROUTE})
        assert why_kept(rows, ROUTE, version) == why

    def test_what_a_rollback_really_goes_back_to_stays(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        """The version before the current one is lost, so that the one before that is meant."""
        rows = [ready(version) for version in (1, 5, 8)]
        crew.store.replace([*rows, VersionRow("m", 6, State.FAILED, "damaged")])
        with pytest.raises(Conflict, match=r"Version 5 .* has to stay: a rollback goes back to it"):
            promotions.retire("m", 5, BY_ANN)
        assert promotions.rollback("m", BY_ANN).version == 5

    def test_what_answered_lately_stays(self) -> None:
        use = Use({1: NOW - 6.9 * DAY_S, 2: NOW - 7 * DAY_S}, 7, NOW)
        assert use.why_kept(1) == "it answered within the last 7 days"
        assert (use.why_kept(2), use.why_kept(3)) == ("", "")
        assert replace(use, days=0).why_kept(1) == ""


class TestSweeping:
    def test_the_newest_and_what_has_to_stay_are_kept(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.store.note_used({("m", 1): NOW - DAY_S, ("m", 2): NOW - 9 * DAY_S, ("n", 5): NOW})
        assert promotions.sweep("m", keep=1, days=7, now=NOW) == Sweep(
            versions=(2, 5, 7),
            kept={
                1: "it answered within the last 7 days",
                3: "it is being promoted",
                4: "it is labelled a, b",
                6: "a rollback goes back to it",
                8: "it is the current one",
                9: "it is one of the newest",
            },
        )
        assert promotions.sweep("m", keep=0, days=0, now=NOW).versions == (1, 2, 5, 7, 9)
        assert promotions.sweep("m", keep=100, days=0, now=NOW).versions == ()
        with pytest.raises(ModelNotFound):
            promotions.sweep("n", 1, 7, NOW)

    def test_what_was_retired_before_may_be_deleted_unless_it_answered_lately(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        for version in (1, 2):
            promotions.retire("m", version, BY_ANN)
        crew.store.note_used({("m", 1): NOW})
        found = promotions.sweep("m", keep=1, days=7, now=NOW)
        assert found.gone == (2,)
        assert found.versions == (5, 7)


class TestRetiring:
    def test_no_worker_serves_it_until_it_is_restored(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.store.replace(by_policy(*range(1, 10), policy="all"))
        crew.follow()
        promotions.retire("m", 5, BY_ANN)
        for worker in crew.store.workers():
            assert 5 not in {held.version for held in worker.held}
        promotions.restore("m", 5, BY_ANN)
        for worker in crew.store.workers():
            assert 5 in {held.version for held in worker.held}
        assert crew.actions() == ["retire", "restore"]
        assert crew.store.audit()[0].before["retired"] == [5]

    def test_what_has_to_stay_stays(self, crew: Crew, promotions: Promotions) -> None:
        with pytest.raises(Conflict, match="Version 8 of model 'm' has to stay: it is the current"):
            promotions.retire("m", 8, BY_ANN)
        crew.store.note_used({("m", 1): NOW})
        use = promotions.use("m", 7, NOW)
        with pytest.raises(Conflict, match="it answered within the last 7 days"):
            promotions.retire("m", 1, BY_ANN, use)
        promotions.retire("m", 2, BY_ANN, use)
        with pytest.raises(ModelNotFound):
            promotions.retire("m", 11, BY_ANN)
        assert crew.store.route("m").retired == (2,)

    def test_one_that_answers_while_it_is_decided_is_restored(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.meanwhile = lambda: crew.store.note_used({("m", 2): NOW + 1})
        with pytest.raises(Conflict, match="it answered within the last 7 days"):
            promotions.retire("m", 2, BY_ANN, promotions.use("m", 7, NOW))
        assert crew.store.route("m").retired == ()
        assert crew.actions() == ["retire", "restore"]

    def test_a_retired_version_is_promoted_after_its_restoration_only(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        for _ in range(2):
            promotions.retire("m", 5, BY_ANN)
        with pytest.raises(Conflict, match="Version 5 of model 'm' is RETIRED: retired"):
            promotions.promote("m", 5, BY_ANN)
        promotions.restore("m", 5, BY_ANN)
        with pytest.raises(Conflict, match="Version 5 of model 'm' is not retired"):
            promotions.restore("m", 5, BY_ANN)
        assert promotions.promote("m", 5, BY_ANN).version == 5
