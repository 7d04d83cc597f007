"""Routes are changed by one at a time, and each change is written down with it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.repository.audit import AuditEntry
from service.repository.route import Canary, Route
from service.repository.store import VersionStore
from tests.databases import migrate

FULL = Route(
    "m",
    revision=1,
    is_unloaded=True,
    generation=3,
    current=9_999_999_999,
    is_pinned=True,
    previous=(2, 1),
    labels={"candidate": 4},
    canary=Canary("candidate", 2.5, "x-user"),
    shadow="candidate",
    preparing=((4, "host/1:2:3"), (4, "host/1:2:3")),
    retired=(1,),
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/kerasd.sqlite")
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> VersionStore:
    return VersionStore(engine, "/models")


def unloaded(route: Route) -> Route:
    return replace(route, is_unloaded=True)


def entry(before: Route, after: Route) -> AuditEntry:
    return AuditEntry(
        1.5, after.model, "test", "ann", "why", "id",
        {"revision": before.revision}, {"revision": after.revision},
    )  # fmt: skip


class TestRoutes:
    def test_a_route_reads_as_it_was_written(self, store: VersionStore) -> None:
        after = store.change("m", lambda _: FULL)
        assert after == FULL
        assert store.routes() == {"m": FULL}
        assert store.route("m") == FULL

    def test_a_model_nothing_was_decided_of_has_every_default(self, store: VersionStore) -> None:
        assert store.route("m") == Route("m")
        assert store.routes() == {}

    def test_each_change_has_a_revision_above_the_last(self, store: VersionStore) -> None:
        read = []

        def edit(route: Route) -> Route:
            read.append(route.revision)
            return replace(route, model="other", revision=99, looked=99)

        revisions = [store.change(model, edit).revision for model in ("m", "n", "m")]
        assert (revisions, read) == ([1, 1, 2], [0, 0, 1])
        assert sorted(store.routes()) == ["m", "n"]
        assert store.route("m").looked == 0

    def test_a_refused_change_leaves_no_trace(self, store: VersionStore) -> None:
        def refuse(route: Route) -> Route:
            raise ValueError("no")

        for _ in range(2):
            before = store.routes()
            with pytest.raises(ValueError, match="no"):
                store.change("m", refuse, entry)
            assert store.routes() == before
            store.change("m", unloaded)
        assert store.audit() == []

    def test_repositories_do_not_meet(self, engine: sa.Engine, store: VersionStore) -> None:
        store.change("m", unloaded, entry)
        store.note_used({("m", 1): 5.0})
        other = VersionStore(engine, "/other")
        assert (other.routes(), other.audit(), other.used()) == ({}, [], {})

    def test_the_controller_answers_what_it_has_read(self, store: VersionStore) -> None:
        store.change("m", unloaded)
        store.change("n", unloaded)
        read = list(store.routes().values())
        store.change("m", unloaded)

        store.answer(read)
        store.answer([])

        routes = store.routes()
        assert [(route.revision, route.looked) for route in routes.values()] == [(2, 1), (1, 1)]

    def test_many_at_once_each_get_their_turn(self, engine: sa.Engine) -> None:
        def count(number: int) -> int:
            store = VersionStore(engine, "/models")

            def edit(route: Route) -> Route:
                return replace(route, generation=route.generation + 1)

            return store.change(f"m{number % 2}", edit, entry).revision

        with ThreadPoolExecutor(6) as threads:
            revisions = list(threads.map(count, range(60)))

        store = VersionStore(engine, "/models")
        assert sorted(revisions) == sorted([*range(1, 31)] * 2)
        assert [route.generation for route in store.routes().values()] == [30, 30]
        told = store.audit("m0")
        assert [one.after["revision"] for one in told] == list(range(30, 0, -1))


class TestAudit:
    def test_the_latest_come_first_and_are_read_in_pages(self, store: VersionStore) -> None:
        for model in ("m", "n", "m"):
            store.change(model, unloaded, entry)

        told = store.audit()
        assert [(one.model, one.before, one.after) for one in told] == [
            ("m", {"revision": 1}, {"revision": 2}),
            ("n", {"revision": 0}, {"revision": 1}),
            ("m", {"revision": 0}, {"revision": 1}),
        ]
        assert told[0] == replace(entry(Route("m", 1), Route("m", 2)), id=told[0].id)
        assert store.audit("m") == [told[0], told[2]]
        assert store.audit(limit=1) == told[:1]
        assert store.audit(before=told[0].id) == told[1:]
        assert store.audit("m", before=told[0].id) == told[2:]
        assert store.audit(after=told[2].id) == told[:2]


def moved(model: str, action: str, at: float, before: int | None, after: int) -> AuditEntry:
    sides = {"current": before}, {"current": after}
    return AuditEntry(at, model, action, "ann", before=sides[0], after=sides[1])


class TestMoves:
    def test_what_is_noted_changes_no_route(self, store: VersionStore) -> None:
        store.note(AuditEntry(1.5, "m", "upload", "ann", after={"version": 3}))
        assert (store.route("m"), store.routes()) == (Route("m"), {})
        (one,) = store.audit("m")
        assert (one.action, one.after) == ("upload", {"version": 3})

    def test_moves_are_counted_and_nothing_else_is(self, store: VersionStore) -> None:
        large = 9_999_999_999
        for one in (
            moved("m", "promote", 1, 1, large),
            moved("m", "promote", 2, large, 1),
            moved("m", "promote", 3, 1, 1),
            moved("m", "advance", 4, None, 1),
            moved("n", "advance", 5, 1, 2),
            AuditEntry(6, "m", "label", "ann", after={"labels": {"a": 1}}),
            AuditEntry(7, "m", "upload", "ann", after={"version": 1}),
        ):
            store.note(one)

        moves, last_id = store.count_moves()

        assert moves == {("m", "promote"): 2, ("n", "advance"): 1}
        assert last_id == store.audit()[0].id
        assert store.count_moves(last_id) == ({}, last_id)
        store.note(moved("m", "rollback", 8, 2, 1))
        assert store.count_moves(last_id) == ({("m", "rollback"): 1}, last_id + 1)

    def test_the_last_one_is_found_behind_whatever_came_since(self, store: VersionStore) -> None:
        assert store.last_move("m") is None
        for one in (
            moved("m", "advance", 1, None, 1),
            moved("m", "promote", 2, 1, 2),
            moved("m", "label", 3, 2, 2),
            moved("n", "promote", 4, 1, 2),
            AuditEntry(5, "m", "evaluate", "ann", after={"job": "x"}),
        ):
            store.note(one)
        last = store.last_move("m")
        assert last is not None
        assert (last.at, last.after) == (2, {"current": 2})

    def test_which_versions_a_job_has_trained_is_known(
        self, engine: sa.Engine, store: VersionStore
    ) -> None:
        for version, action in ((3, "train"), (4, "upload")):
            store.note(AuditEntry(1, "m", action, "ann", after={"version": version}))
        assert [store.was_trained("m", version) for version in (3, 4, 33)] == [True, False, False]
        assert not store.was_trained("n", 3)
        assert not VersionStore(engine, "/other").was_trained("m", 3)

    def test_they_are_counted_up_to_the_first_that_is_not_so_old(self, store: VersionStore) -> None:
        for at in (1, 2, 30, 3):
            store.note(moved("m", "promote", at, 1, 2))
        first, *_, last = sorted(one.id for one in store.audit())
        assert store.count_moves(until=10) == ({("m", "promote"): 2}, first + 1)
        assert store.count_moves(first, until=10) == ({("m", "promote"): 1}, first + 1)
        assert store.count_moves(until=1) == ({}, 0)
        assert store.count_moves(until=31) == ({("m", "promote"): 4}, last)

    def test_other_repositories_are_not_counted(
        self, engine: sa.Engine, store: VersionStore
    ) -> None:
        store.note(moved("m", "promote", 1, 1, 2))
        assert VersionStore(engine, "/other").count_moves() == ({}, 0)


class TestUse:
    def test_the_latest_time_stays(self, store: VersionStore) -> None:
        store.note_used({})
        store.note_used({("m", 1): 100.0, ("m", 2): 100.0})
        store.note_used({("m", 1): 90.0, ("m", 2): 110.5, ("n", 1): 1.0})
        assert store.used() == {("m", 1): 100.0, ("m", 2): 110.5, ("n", 1): 1.0}

    def test_several_workers_note_at_once(self, engine: sa.Engine) -> None:
        keys = [(f"m{n}", 1) for n in range(20)]

        def note(at: int) -> None:
            VersionStore(engine, "/models").note_used(dict.fromkeys(keys, float(at)))

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(note, range(16)))

        assert VersionStore(engine, "/models").used() == dict.fromkeys(keys, 15.0)
