"""Labels are kept and counted once, whoever sends them and how often, on either database."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from service.base.database import open_database
from service.quality.feedback import Labelled
from service.quality.ledger import DELAY_BOUNDS_S
from service.quality.outcomes import Outcome
from service.quality.predicted import pack_classes
from service.quality.reading import VersionCounters
from service.quality.store import QualityStore
from service.quality.store_tables import feedback
from tests.quality.rows import BINARY, DIGITS, NOON, joined, labelled, prediction

ACCEPTED, DUPLICATE, CORRECTED = Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.CORRECTED
SECOND = 1000


@pytest.fixture
def store(engine: sa.Engine) -> QualityStore:
    return QualityStore(engine, "/models")


def send(store: QualityStore, *rows: Labelled, at: int = NOON) -> list[Outcome]:
    return store.record_feedback("m", rows, at)


def counters(store: QualityStore, version: int = 1) -> VersionCounters:
    return next(one for one in store.counters().versions if one.first.version == version)


def now_and_first(store: QualityStore) -> tuple[dict[tuple[int, int], int], object]:
    (reading,) = store.readings()
    return dict(reading.cells), dict(counters(store).first.cells)


class TestOutcomes:
    def test_a_label_counts_in_its_cell(self, store: QualityStore) -> None:
        told = send(store, labelled("a", 3, 5), labelled("b", 3, 3), labelled("c", 3, 5))

        assert told == [ACCEPTED] * 3
        matrix = store.matrix("m", 1)
        assert matrix.shape == (10, 10)
        assert matrix.dtype == np.int64
        assert (matrix[3, 5], matrix[3, 3], matrix.sum()) == (2, 1, 3)
        assert now_and_first(store) == ({(3, 5): 2, (3, 3): 1}, {(3, 5): 2, (3, 3): 1})

    def test_the_same_label_again_changes_nothing(self, store: QualityStore) -> None:
        send(store, labelled("a", 3, 5))
        before = (store.readings(), counters(store))

        assert send(store, labelled("a", 3, 5), at=NOON + SECOND) == [DUPLICATE]
        assert (store.readings(), counters(store)) == before

    def test_another_label_corrects_what_counts_but_not_what_counted_first(
        self, store: QualityStore
    ) -> None:
        send(store, labelled("a", 3, 5))

        assert send(store, labelled("a", 5, 5)) == [CORRECTED]
        assert now_and_first(store) == ({(5, 5): 1}, {(3, 5): 1})
        assert send(store, labelled("a", 3, 5)) == [CORRECTED]
        assert now_and_first(store) == ({(3, 5): 1}, {(3, 5): 1})

    def test_the_last_of_a_request_counts(self, store: QualityStore) -> None:
        told = send(store, labelled("a", 3, 5), labelled("b", 1, 1), labelled("a", 3, 5),
                    labelled("a", 4, 5), labelled("a", 5, 5))  # fmt: skip

        assert told == [ACCEPTED, ACCEPTED, DUPLICATE, CORRECTED, CORRECTED]
        assert now_and_first(store) == ({(5, 5): 1, (1, 1): 1}, {(3, 5): 1, (1, 1): 1})
        assert send(store, labelled("a", 4, 5), labelled("a", 5, 5)) == [CORRECTED, CORRECTED]
        assert now_and_first(store) == ({(5, 5): 1, (1, 1): 1}, {(3, 5): 1, (1, 1): 1})
        assert send(store, labelled("a", 5, 5), labelled("a", 7, 5)) == [DUPLICATE, CORRECTED]
        assert now_and_first(store)[0] == {(7, 5): 1, (1, 1): 1}

    def test_rows_of_a_batch_are_apart(self, store: QualityStore) -> None:
        content = pack_classes(10, np.array([1, 2, 3]), np.full(3, 0.9))
        batch = prediction("batch", content)

        assert send(store, *(joined(batch, row, 2) for row in (2, 0, 1))) == [ACCEPTED] * 3
        assert store.readings()[0].cells == {(2, 1): 1, (2, 2): 1, (2, 3): 1}

    def test_outcomes_are_counted_with_refused_ones(self, store: QualityStore) -> None:
        send(store, labelled("a", 3, 5), labelled("a", 3, 5), labelled("b", 1, 1))
        send(store, labelled("a", 4, 5))
        store.count_refused("m", {Outcome.FORGED: 2, Outcome.EXPIRED: 1})
        store.count_refused("n", {Outcome.FORGED: 1})
        store.count_refused("m", {})

        assert store.counters().outcomes == {
            ("m", ACCEPTED): 2, ("m", DUPLICATE): 1, ("m", CORRECTED): 1,
            ("m", Outcome.FORGED): 2, ("m", Outcome.EXPIRED): 1, ("n", Outcome.FORGED): 1,
        }  # fmt: skip

    def test_nothing_is_nothing(self, store: QualityStore) -> None:
        assert send(store) == []
        assert store.readings() == []
        assert store.matrix("m", 1).shape == (0, 0)


class TestVersions:
    def test_each_version_counts_for_itself(self, store: QualityStore) -> None:
        told = send(store, labelled("a", 1, 1, version=2), labelled("b", 1, 0, version=1),
                    labelled("c", 1, 1, version=9_999_999_999, shape=BINARY))  # fmt: skip

        assert told == [ACCEPTED] * 3
        assert [(one.version, one.shape, dict(one.cells)) for one in store.readings()] == [
            (1, DIGITS, {(1, 0): 1}),
            (2, DIGITS, {(1, 1): 1}),
            (9_999_999_999, BINARY, {(1, 1): 1}),
        ]  # fmt: skip
        assert [one.model for one in store.readings(model="n")] == []

    def test_models_and_repositories_do_not_meet(self, engine: sa.Engine) -> None:
        here, there = QualityStore(engine, "/models"), QualityStore(engine, "/other")
        for store in (here, there):
            for model in ("m", "n"):
                assert store.record_feedback(model, [labelled("a", 1, 1)], NOON) == [ACCEPTED]
        assert here.record_feedback("m", [labelled("a", 2, 1)], NOON) == [CORRECTED]

        assert [dict(one.cells) for one in here.readings()] == [{(2, 1): 1}, {(1, 1): 1}]
        assert [dict(one.cells) for one in there.readings()] == [{(1, 1): 1}, {(1, 1): 1}]
        assert there.counters().outcomes == {("m", ACCEPTED): 1, ("n", ACCEPTED): 1}


class TestDelays:
    def test_each_first_label_is_counted_by_how_long_it_took(self, store: QualityStore) -> None:
        for number, seconds in enumerate((0, 60, 61, 3600, 31 * 86_400)):
            send(store, labelled(str(number), 1, 1), at=NOON + seconds * SECOND)
        send(store, labelled("0", 2, 1), at=NOON + 90 * SECOND)
        send(store, labelled("early", 1, 1), at=NOON - 5 * SECOND)  # a clock that is behind

        told = counters(store)
        assert len(told.delays) == len(DELAY_BOUNDS_S) + 1
        by_bound = dict(zip((*DELAY_BOUNDS_S, None), told.delays, strict=True))
        assert {bound: rows for bound, rows in by_bound.items() if rows} == {
            60: 3, 300: 1, 3600: 1, None: 1,
        }  # fmt: skip
        assert told.delay_seconds == 60 + 61 + 3600 + 31 * 86_400
        assert told.rows == 6


class TestMany:
    def test_more_than_a_transaction_holds(self, store: QualityStore) -> None:
        rows = [labelled(str(n), n % 10, n % 7, at=NOON + n) for n in range(12_000)]
        random.Random(1).shuffle(rows)

        assert send(store, *rows) == [ACCEPTED] * 12_000
        assert send(store, *rows[:6000]) == [DUPLICATE] * 6000
        changed = [replace(row, truth=(int(row.truth) + 1) % 10) for row in rows[:6000]]
        assert send(store, *changed) == [CORRECTED] * 6000
        assert store.matrix("m", 1).sum() == sum(counters(store).first.cells.values()) == 12_000

    @pytest.mark.parametrize("round_", range(3))
    def test_the_same_rows_from_many_at_once(self, database_url: str, round_: int) -> None:
        """One is accepted, the others find it there; different labels correct each other."""
        rows = [labelled(str(n), n % 10, 5, version=1 + n % 2) for n in range(300)]
        others = [replace(row, truth=5) for row in rows]

        def work(number: int) -> Counter[Outcome]:
            mine = list(rows if number % 2 else others)
            random.Random(10 * round_ + number).shuffle(mine)
            opened = open_database(database_url)
            try:
                return Counter(QualityStore(opened, "/models").record_feedback("m", mine, NOON))
            finally:
                opened.dispose()

        with ThreadPoolExecutor(6) as threads:
            told = sum(threads.map(work, range(6)), Counter[Outcome]())

        assert told[ACCEPTED] == 300
        opened = open_database(database_url)
        check_counts(opened, 300, told)
        opened.dispose()

    def test_models_at_once_do_not_lock_each_other_out(self, database_url: str) -> None:
        def work(number: int) -> list[Outcome]:
            opened = open_database(database_url)
            try:
                mine = QualityStore(opened, "/models")
                mine.count_predictions({("a", 1, 5): 1, ("b", 1, 5): 1})
                return mine.record_feedback("ab"[number % 2], [labelled(str(number), 1, 1)], NOON)
            finally:
                opened.dispose()

        with ThreadPoolExecutor(8) as threads:
            told = list(threads.map(work, range(40)))

        assert told == [[ACCEPTED]] * 40
        opened = open_database(database_url)
        found = QualityStore(opened, "/models").readings()
        assert [(one.labelled, one.predicted) for one in found] == [(20, 40), (20, 40)]
        opened.dispose()


def check_counts(engine: sa.Engine, rows: int, told: Counter[Outcome]) -> None:
    """Every count is what the rows say."""
    store = QualityStore(engine, "/models")
    with engine.connect() as connection:
        kept = connection.execute(
            sa.select(feedback.c.true_class, feedback.c.predicted_class)
        ).all()
    by_cell = Counter((row.true_class, row.predicted_class) for row in kept)
    counted: Counter[tuple[int, int]] = Counter()
    for reading in store.readings():
        counted.update(dict(reading.cells))
    assert len(kept) == rows
    assert counted == by_cell
    assert sum(one.rows for one in store.counters().versions) == rows
    outcomes = store.counters().outcomes
    assert {kind: n for (_, kind), n in outcomes.items()} == dict(told)


def test_what_is_acknowledged_is_on_the_disk(engine: sa.Engine, store: QualityStore) -> None:
    """SQLite's own setting for WAL would leave the latest labels to a power cut."""
    setting = "PRAGMA synchronous" if engine.dialect.name == "sqlite" else "SHOW synchronous_commit"
    seen: list[object] = []

    def at_the_end(connection: sa.Connection) -> None:
        cursor = connection.connection.cursor()
        seen.append(cursor.execute(setting).fetchone()[0])
        cursor.close()

    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            name = connection.execute(sa.text("SELECT current_database()")).scalar()
            connection.execute(sa.text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        engine.dispose()
    event.listen(engine, "commit", at_the_end)

    send(store, labelled("a", 1, 1))

    assert seen == [2 if engine.dialect.name == "sqlite" else "on"]
