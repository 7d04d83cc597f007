"""A candidate that does worse on live labels than its predecessor makes way, with the reason."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.base.database import open_database
from service.controller.probation import (
    LOOK_EVERY_S,
    Probation,
    Served,
    metric_of,
    on_trial,
    why_worse,
)
from service.quality.live_scores import LiveScores
from service.quality.store import QualityStore
from service.quality.windows import SECOND
from service.recipe.retraining import Retraining, Rollback
from service.repository.audit import AuditEntry, differences
from service.repository.policy import settle
from service.repository.route import Route
from service.repository.states import Held, Loading, WorkerRecord
from tests.controller.world import LONG_AGO, World
from tests.quality.rows import BINARY, labelled

WORKER = "host/1:11:1"
RULE = Rollback(metric="accuracy", max_drop=0.1, min_rows=50)


def live(version: int, rows: int, right: int) -> LiveScores:
    return LiveScores(version, "classes", rows, right, {"accuracy": right / rows, "loss": 1.0})


class TestDecision:
    def test_a_worse_candidate_goes_and_the_figures_are_told(self) -> None:
        why = why_worse(RULE, "accuracy", live(2, 100, 70), live(1, 200, 180))
        assert why == (
            "accuracy on live labels is 0.7 (100 rows), with version 1 it was 0.9 (200 rows): "
            "worse by 0.2, allowed are 0.1"
        )

    @pytest.mark.parametrize(
        ("candidate", "predecessor"),
        [
            (live(2, 100, 85), live(1, 100, 90)),
            (live(2, 100, 99), live(1, 100, 90)),
            (live(2, 49, 0), live(1, 100, 90)),
            (live(2, 100, 0), live(1, 49, 49)),
        ],
        ids=["a little worse", "better", "too few rows", "too few rows before"],
    )
    def test_others_stay(self, candidate: LiveScores, predecessor: LiveScores) -> None:
        assert why_worse(RULE, "accuracy", candidate, predecessor) == ""

    def test_lower_may_be_better(self) -> None:
        worse = replace(live(2, 100, 90), metrics={"rmse": 2.0})
        before = replace(live(1, 100, 90), metrics={"rmse": 1.0})
        assert "worse by 1" in why_worse(RULE, "rmse", worse, before)
        assert why_worse(RULE, "rmse", before, worse) == ""
        assert why_worse(RULE, "mcc", worse, before) == ""

    def test_chance_is_asked_for_by_significance(self) -> None:
        rule = RULE.model_copy(update={"significance": 0.01, "max_drop": 0.05})
        assert why_worse(rule, "accuracy", live(2, 60, 48), live(1, 60, 54)) == ""
        assert "p = " in why_worse(rule, "accuracy", live(2, 600, 480), live(1, 600, 540))
        numbers = replace(live(2, 600, 480), right=None)
        assert why_worse(rule, "accuracy", numbers, live(1, 600, 540)) == ""

    def test_the_metric_is_the_rules_or_the_gates_or_the_usual_one(self) -> None:
        known = {"accuracy": 1.0, "macro_f1": 1.0}
        of_gate: dict[str, Any] = {"gate": {"metric": "accuracy"}, "rollback": True}
        of_loss: dict[str, Any] = {"gate": {"metric": "loss"}, "rollback": True}
        assert metric_of(Retraining(rollback=RULE), "classes", known) == "accuracy"
        assert metric_of(Retraining.model_validate(of_gate), "classes", known) == "accuracy"
        assert metric_of(Retraining.model_validate(of_loss), "classes", known) == "macro_f1"


class TestTrial:
    ROUTE = Route("m", current=2, previous=(1,))
    PROMOTED = AuditEntry(7, "m", "promote", "ann", before={"current": 1}, after={"current": 2})

    def test_it_began_when_the_version_became_current(self) -> None:
        assert on_trial(self.ROUTE, self.PROMOTED) == Served("m", 2, 1, since=7)

    @pytest.mark.parametrize(
        ("route", "move"),
        [
            (replace(ROUTE, previous=()), PROMOTED),
            (replace(ROUTE, current=None), PROMOTED),
            (replace(ROUTE, current=3), PROMOTED),
            (ROUTE, replace(PROMOTED, action="rollback")),
            (ROUTE, None),
        ],
        ids=["the first one", "none is current", "another one", "gone back to", "never promoted"],
    )
    def test_others_are_on_none(self, route: Route, move: AuditEntry | None) -> None:
        assert on_trial(route, move) is None


class Watched:
    """Version 2 of a model was trained by a job, took the place of version 1, and is watched."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        world = self.world
        self.engine = open_database(f"sqlite:///{folder}/db.sqlite")
        self.quality = QualityStore(self.engine, "repository")
        world.add_compiled("m", 1, "a")
        (world.repository / "m" / "model.yaml").write_text(
            "retrain: {rollback: {metric: accuracy, max_drop: 0.1, min_rows: 50}}\n"
        )
        world.step()
        world.report(WORKER, 1)
        world.store.note(
            AuditEntry(world.wall_now, "m", "train", "job x", "", "", {}, {"version": 2})
        )
        world.add_compiled("m", 2, "b")
        world.step()
        world.report(WORKER, 1, 2)
        world.step()
        world.report(WORKER, 2)
        self.probation = Probation(
            world.store,
            self.quality,
            world.controller.configs,
            lambda: None,
            world.controller.keep_prepared,
            lambda: world.wall_now,
        )

    def label(self, version: int, rows: int, right: int, at: float) -> None:
        """Labels for predictions of a version, made at so many seconds after the promotion."""
        when = int((LONG_AGO + at) * SECOND)
        made = [
            labelled(
                f"{version} {n} {at}", int(n >= right), 0, shape=BINARY, version=version, at=when
            )
            for n in range(rows)
        ]
        self.quality.record_feedback("m", made, when)

    def step(self) -> tuple[int | None, bool]:
        """The current version after a turn of all, and whether version 1 is to be loaded."""
        self.world.wall_now += LOOK_EVERY_S
        rows = self.world.step(LOOK_EVERY_S)
        self.probation.step(self.world.now)
        current = next((row.version for row in rows.values() if row.current), None)
        return current, rows["m", 1].served

    def follow(self) -> None:
        """The worker has done all that was asked of it."""
        route = self.world.store.route("m")
        rows = settle(self.world.store.rows(), {"m": route})
        held = [Held("m", row.version, row.identity, Loading.LOADED) for row in rows if row.served]
        self.world.store.report(WorkerRecord(WORKER, tuple(held), {"m": route.revision}, beat=1e12))


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.world.controller.close()


def test_it_goes_back_as_soon_as_the_workers_have_the_predecessor(watched: Watched) -> None:
    watched.label(1, 100, 95, at=-3600)
    watched.label(2, 100, 60, at=1)

    assert watched.step() == (2, False)
    assert watched.step() == (2, True)  # being loaded, and kept so
    watched.follow()
    watched.step()
    watched.follow()

    assert watched.step() == (1, True)
    route = watched.world.store.route("m")
    assert (route.current, route.is_pinned, route.preparing) == (1, True, ())
    entry = watched.world.store.audit("m", limit=1)[0]
    assert (entry.action, entry.who) == ("rollback", "controller")
    assert "accuracy on live labels is 0.6 (100 rows), with version 1 it was 0.95" in entry.why
    assert watched.step() == (1, True)


def test_whatever_else_was_done_meanwhile(watched: Watched) -> None:
    store = watched.world.store
    for n in range(300):
        store.note(AuditEntry(LONG_AGO + n, "m", "evaluate", "ann", after={"job": str(n)}))
        store.change(
            "m",
            lambda route: route,
            lambda before, after: AuditEntry(
                LONG_AGO, "m", "label", "ann", "", "", *differences(before, after)
            ),
        )
    watched.label(1, 100, 95, at=-3600)
    watched.label(2, 100, 60, at=1)

    watched.step()

    assert watched.step() == (2, True)  # on its way back


def test_one_that_no_job_has_trained_stays(watched: Watched) -> None:
    with watched.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET action = 'upload' WHERE action = 'train'")
    watched.label(1, 100, 95, at=-3600)
    watched.label(2, 100, 60, at=1)
    for _ in range(3):
        assert watched.step() == (2, False)


def test_one_that_does_well_stays(watched: Watched) -> None:
    watched.label(1, 100, 95, at=-3600)
    watched.label(2, 100, 94, at=1)
    for _ in range(3):
        assert watched.step() == (2, False)


def test_labels_of_before_the_promotion_are_not_held_against_it(watched: Watched) -> None:
    watched.label(1, 100, 95, at=-3600)
    watched.label(2, 100, 10, at=-60)  # as a canary
    for _ in range(3):
        assert watched.step() == (2, False)


def test_probation_ends(watched: Watched) -> None:
    watched.label(1, 100, 95, at=-3600)
    watched.label(2, 100, 60, at=1)
    watched.world.wall_now += 169 * 3600
    for _ in range(3):
        assert watched.step() == (2, False)


def test_an_operator_who_is_quicker_is_left_alone(watched: Watched) -> None:
    watched.label(1, 100, 95, at=-3600)
    watched.label(2, 100, 60, at=1)
    watched.step()
    watched.world.store.change("m", lambda route: replace(route, current=1, is_pinned=True))

    watched.step()
    watched.step()

    assert [one.action for one in watched.world.store.audit("m")].count("rollback") == 0
    assert watched.world.store.route("m").preparing == ()
