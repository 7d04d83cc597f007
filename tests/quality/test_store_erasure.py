"""What is deleted is gone and stays gone; what is too old goes, and its sums stay."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import migrate, open_database
from service.quality.feedback import Labelled
from service.quality.outcomes import Outcome
from service.quality.reading import VersionCounters
from service.quality.store import QualityStore
from service.quality.store_readings import EVERYTHING
from service.quality.store_tables import feedback, feedback_hours, forgotten, predictions
from service.quality.windows import DAY, HOUR, Span
from tests.quality.rows import NOON, id_of, labelled, labels, number, prediction


@pytest.fixture
def store(engine: sa.Engine) -> QualityStore:
    return QualityStore(engine, "/models")


def send(store: QualityStore, *rows: Labelled) -> list[Outcome]:
    return store.record_feedback("m", rows, NOON)


def cells(store: QualityStore, span: Span = EVERYTHING) -> dict[tuple[int, int], int]:
    return dict(store.readings(span)[0].cells)


def first(store: QualityStore) -> VersionCounters:
    return store.counters().versions[0]


def count(engine: sa.Engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


class TestForgetting:
    def test_all_rows_of_a_prediction_go_and_count_no_longer(
        self, store: QualityStore, engine: sa.Engine
    ) -> None:
        batch = prediction("a", b"\1\0\0\2\0\0")
        rows = [Labelled(batch, row, row + 1, 0, 3) for row in (0, 1)]
        send(store, *rows, labelled("b", 3, 1))
        before = first(store)

        assert store.forget("m", [id_of("a"), id_of("never")], NOON) == 2

        assert cells(store) == cells(store, Span(NOON)) == {(3, 1): 1}
        assert store.readings()[0].labelled == 1
        assert first(store).first.cells == before.first.cells
        assert first(store).delays == before.delays
        assert count(engine, feedback) == 1

    def test_a_label_that_comes_later_is_refused(self, store: QualityStore) -> None:
        send(store, labelled("a", 3, 1))
        store.forget("m", [id_of("a"), id_of("b")], NOON)

        told = send(store, labelled("a", 3, 1), labelled("b", 3, 1), labelled("c", 3, 1))

        assert told == [Outcome.UNKNOWN_ID, Outcome.UNKNOWN_ID, Outcome.ACCEPTED]
        assert cells(store) == {(3, 1): 1}
        assert store.counters().outcomes["m", Outcome.UNKNOWN_ID] == 2

    def test_a_corrected_row_is_taken_out_as_it_was_corrected(self, store: QualityStore) -> None:
        send(store, labelled("a", 3, 1))
        send(store, labelled("a", 4, 1))
        assert store.forget("m", [id_of("a")], NOON) == 1
        assert store.forget("m", [id_of("a")], NOON) == 0
        assert cells(store) == {}

    def test_numbers_and_sets_go_as_well(self, store: QualityStore) -> None:
        send(store, number("a", 1e30, 2.0), number("b", 3.0, 2.0))
        store.record_feedback("n", [labels("a", (1, 0, 1), (1, 1, 0))], NOON)

        assert store.forget("m", [id_of("a")], NOON) == store.forget("n", [id_of("a")], NOON) == 1

        numbers, sets = (one for one in store.readings())
        assert (numbers.numbers().rows, numbers.numbers().absolute) == (1, 1.0)
        assert (sets.sets().rows, dict(sets.cells)) == (0, {})

    def test_what_was_recorded_goes_as_well(self, store: QualityStore) -> None:
        store.record_predictions("m", [prediction("a", b"\1\0\0"), prediction("b", b"\1\0\0")])
        store.forget("m", [id_of("a")], NOON)
        assert store.find_predictions([id_of("a"), id_of("b")]).keys() == {id_of("b")}

    def test_what_another_worker_has_yet_to_record_is_dropped(self, store: QualityStore) -> None:
        store.forget("m", [id_of("a")], NOON)
        store.record_predictions("m", [prediction("a", b"\1\0\0"), prediction("b", b"\1\0\0")])
        store.record_predictions("m", [prediction("a", b"\1\0\0")])
        assert store.find_predictions([id_of("a"), id_of("b")]).keys() == {id_of("b")}

    def test_nothing_slips_through_between_two_workers(self, store: QualityStore) -> None:
        names = [f"{n}" for n in range(40)]

        def forget(name: str) -> None:
            store.forget("m", [id_of(name)], NOON)

        def keep(name: str) -> None:
            # Of a version of its own, which nobody knows yet.
            made = prediction(name, b"\1\0\0", version=1 + int(name))
            store.record_predictions("m", [made])
            store.record_feedback("m", [Labelled(made, 0, 1, 0, 1)], NOON)

        with ThreadPoolExecutor(4) as threads:
            for name in names:
                threads.submit(forget, name)
                threads.submit(keep, name)

        assert store.find_predictions(map(id_of, names)) == {}
        assert [dict(one.cells) for one in store.readings()] == [{}] * len(store.readings())

    def test_another_models_rows_stay(self, store: QualityStore) -> None:
        store.record_feedback("n", [labelled("a", 3, 1)], NOON)
        store.record_predictions("n", [prediction("a", b"\1\0\0")])
        assert store.forget("m", [id_of("a")], NOON) == 0
        assert cells(store) == {(3, 1): 1}
        assert id_of("a") in store.find_predictions([id_of("a")])

    def test_nothing_of_it_is_left_in_the_file(self, tmp_path: Path) -> None:
        """SQLite only marks deleted rows as free, and its log has them as well."""
        engine = open_database(f"sqlite:///{tmp_path}/kerasd.sqlite")
        migrate(engine)
        store = QualityStore(engine, "/models")
        rows = [number(str(n), 1234.5678 + n, 1.0) for n in range(100)]
        send(store, *rows)
        secrets = [row.truth for row in rows[10:20] if isinstance(row.truth, bytes)]

        def found() -> list[bool]:
            content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
            return [secret in content for secret in secrets]

        assert found() == [True] * 10
        assert store.forget("m", [row.prediction.id for row in rows[10:20]], NOON) == 10
        assert found() == [False] * 10
        engine.dispose()

    def test_many_at_once(self, store: QualityStore) -> None:
        send(store, *(labelled(str(n), 3, 1, version=1 + n % 2) for n in range(1500)))
        assert store.forget("m", [id_of(str(n)) for n in range(1200)], NOON) == 1200
        assert [dict(one.cells) for one in store.readings()] == [{(3, 1): 150}] * 2


class TestPruning:
    def rows(self) -> list[Labelled]:
        return [labelled(str(n), n % 3, 1, at=NOON - n * HOUR // 2) for n in range(200)]

    def test_old_rows_go_and_their_sums_stay(self, store: QualityStore, engine: sa.Engine) -> None:
        send(store, *self.rows())
        store.count_predictions({("m", 1, NOON // HOUR - n): 7 for n in range(100)})
        before, counted = store.readings(), first(store)
        latest = store.readings(Span(NOON - DAY))

        removed = store.prune("m", NOON - DAY)

        assert removed == 200 - 49
        assert (store.readings(), first(store)) == (before, counted)
        assert store.readings(Span(NOON - DAY)) == latest
        assert count(engine, feedback) == 49
        assert count(engine, feedback_hours) <= 25 * 3 + 3
        assert store.prune("m", NOON - DAY) == 0
        assert store.readings() == before

    def test_sums_of_numbers_stay(self, store: QualityStore) -> None:
        rows = [number(str(n), float(n), n + 0.5, at=NOON - n * HOUR) for n in range(50)]
        send(store, *rows)
        before = store.readings()[0].numbers()
        assert store.prune("m", NOON - DAY) == 25
        assert store.readings()[0].numbers() == before
        send(store, number("0", -1.0, 0.5))
        assert store.readings()[0].numbers().absolute == before.absolute + 1.0

    def test_an_hour_is_kept_until_all_of_it_is_old(self, store: QualityStore) -> None:
        send(store, labelled("a", 1, 1), labelled("b", 1, 1, at=NOON + HOUR - 1))
        assert store.prune("m", NOON + HOUR - 1) == 0
        assert store.prune("m", NOON + HOUR) == 2

    def test_recorded_predictions_and_forgotten_ids_go_with_time(
        self, store: QualityStore, engine: sa.Engine
    ) -> None:
        old, new = NOON - 2 * DAY, NOON
        store.record_predictions("m", [
            prediction("old", b"\1\0\0", at=old), prediction("new", b"\1\0\0", at=new),
        ])  # fmt: skip
        for name, at in (("x", old), ("y", new)):
            store.forget("m", [id_of(name)], at)

        store.prune("m", NOON - DAY)

        assert (count(engine, predictions), count(engine, forgotten)) == (1, 1)

    def test_a_label_for_what_went_is_refused_and_counts_nowhere(self, store: QualityStore) -> None:
        old = labelled("a", 1, 1, at=NOON - 9 * DAY)
        send(store, old)
        store.prune("m", NOON - DAY)

        told = send(store, old, labelled("b", 1, 1, at=NOON - 2 * DAY), labelled("c", 1, 1))

        assert told == [Outcome.EXPIRED, Outcome.EXPIRED, Outcome.ACCEPTED]
        assert cells(store) == {(1, 1): 2}

    def test_corrections_stay_counted(self, store: QualityStore) -> None:
        for truth in (1, 2, 2, 3):
            send(store, labelled("a", truth, 1), labelled("b", 1, 1, version=2))
        store.prune("m", NOON + DAY)
        assert [one.corrections for one in store.counters().versions] == [2, 0]

    def test_all_models_are_known_of_which_anything_is_kept(self, store: QualityStore) -> None:
        send(store, labelled("a", 1, 1), labelled("b", 1, 1, version=2))
        store.forget("gone", [id_of("x")], NOON)
        assert store.models() == ["gone", "m"]

    def test_other_models_are_left_alone(self, store: QualityStore) -> None:
        store.record_feedback("n", [labelled("a", 1, 1, at=NOON - 9 * DAY)], NOON)
        send(store, labelled("a", 1, 1, at=NOON - 9 * DAY))
        assert store.prune("m", NOON) == 1
        assert store.prune("n", NOON) == 1
