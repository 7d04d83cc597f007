"""Labels are told row by row, as they are known now, of the time and versions asked for."""

import pytest
import sqlalchemy as sa

from service.quality import store_labelled
from service.quality.feedback import Labelled
from service.quality.store import QualityStore
from service.quality.store_labelled import LabelBatch
from service.quality.windows import HOUR
from tests.quality.rows import NOON, id_of, joined, labelled, labels, number, prediction


@pytest.fixture
def store(engine: sa.Engine) -> QualityStore:
    return QualityStore(engine, "/models")


def send(store: QualityStore, *rows: Labelled, at: int = NOON, model: str = "m") -> None:
    store.record_feedback(model, rows, at)


def one(store: QualityStore) -> LabelBatch:
    (found,) = store.labels("m")
    return found


def test_ids_rows_times_and_the_label_as_it_was_corrected(store: QualityStore) -> None:
    batch = prediction("b", b"\1\0\0\2\0\0", at=NOON + 5)
    send(store, joined(batch, 1, 7), labelled("a", 3, 1), joined(batch, 0, 2), at=NOON + 10)
    send(store, labelled("a", 4, 1), at=NOON + 20)
    found = one(store)
    assert (found.version, found.form, found.width) == (1, "classes", 10)
    assert found.prediction.tobytes() == id_of("a") + id_of("b") * 2
    assert found.row.tolist() == [0, 0, 1]
    assert found.at.tolist() == [NOON, NOON + 5, NOON + 5]
    assert found.truth.tolist() == [4, 2, 7]
    assert found.labelled_at.tolist() == [NOON + 20, NOON + 10, NOON + 10]


def test_numbers_and_sets(store: QualityStore) -> None:
    send(store, number("a", 1e30, 2.0), number("b", -3.5, 2.0))
    found = one(store)
    assert (found.form, found.width, found.truth.dtype.name) == ("values", 1, "float64")
    assert sorted(found.truth.tolist()) == [[-3.5], [1e30]]
    send(store, labels("a", (1, 0, 1), (1, 1, 0)), model="n")
    (sets,) = store.labels("n")
    assert (sets.form, sets.truth.tolist()) == ("sets", [[True, False, True]])


def test_time_and_versions(store: QualityStore) -> None:
    for hour in range(4):
        send(store, labelled(f"{hour}", 1, 1, version=1 + hour % 2, at=NOON + hour * HOUR))

    def found(**asked: object) -> list[tuple[int, int]]:
        told = store.labels("m", **asked)  # type: ignore[arg-type]
        return [(each.version, (at - NOON) // HOUR) for each in told for at in each.at.tolist()]

    assert found() == [(1, 0), (1, 2), (2, 1), (2, 3)]
    assert found(since=NOON + HOUR, until=NOON + 3 * HOUR) == [(1, 2), (2, 1)]
    assert found(versions={2}) == [(2, 1), (2, 3)]
    assert store.count_labels("m") == 4
    assert store.count_labels("m", NOON + 1, None, {1}) == 1
    assert store.count_labels("none") == 0
    assert list(store.labels("none")) == []


def test_many_are_read_in_pieces_each_row_once(
    store: QualityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_labelled, "AT_ONCE", 7)
    batch = prediction("many", b"\1\0\0" * 20, at=NOON + 3)
    send(store, *(joined(batch, row, row % 10) for row in range(20)))
    send(store, *(labelled(str(n), n % 10, 1, at=NOON + n % 5) for n in range(30)))
    told = list(store.labels("m"))
    assert [len(each) for each in told] == [7] * 7 + [1]
    keys = [
        (at, bytes(name), row)
        for each in told
        for at, name, row in zip(
            each.at.tolist(), each.prediction.view("V16"), each.row.tolist(), strict=True
        )
    ]
    assert keys == sorted(keys)
    assert len(set(keys)) == 50


def test_labels_of_another_shape_are_left_out(store: QualityStore) -> None:
    send(store, number("a", 1.0, 2.0))
    send(store, labels("b", (1, 0, 1), (1, 1, 0)))
    assert one(store).truth.tolist() == [[True, False, True]]


def test_forgotten_ids_are_told_in_order_and_their_labels_are_gone(store: QualityStore) -> None:
    send(store, labelled("a", 3, 1), labelled("b", 3, 1), labelled("c", 3, 1))
    store.forget("m", [id_of("a"), id_of("c"), id_of("never")], NOON)
    store.forget("n", [id_of("x")], NOON)
    gone = store.forgotten("m")
    wanted = sorted(map(id_of, ("a", "c", "never")))
    assert gone.tobytes() == b"".join(wanted)
    assert len(store.forgotten("none")) == 0
    assert one(store).prediction.tobytes() == id_of("b")


def test_another_repositorys_labels_are_its_own(engine: sa.Engine, store: QualityStore) -> None:
    other = QualityStore(engine, "/other")
    send(other, labelled("a", 3, 1))
    other.forget("m", [id_of("b")], NOON)
    assert list(store.labels("m")) == []
    assert len(store.forgotten("m")) == 0
