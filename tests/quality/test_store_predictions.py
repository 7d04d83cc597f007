"""Recorded predictions are found again; keys and the name of the database are everybody's."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.quality.predicted import Kind, Prediction, Shape
from service.quality.receipt_keys import ReceiptKey, ReceiptKeys
from service.quality.store import QualityStore
from service.quality.store_keys import KeyStore
from tests.quality.rows import NOON, id_of, labels, number, prediction


@pytest.fixture
def store(engine: sa.Engine) -> QualityStore:
    return QualityStore(engine, "/models")


class TestPredictions:
    def test_they_are_found_as_they_were(self, store: QualityStore) -> None:
        made = [
            prediction("a", b"\1\0\0\2\0\0", version=9_999_999_999),
            number("b", 1.0, 2.0).prediction,
            labels("c", (1, 0, 0), (1, 1, 0)).prediction,
            Prediction(id_of("d"), 1, NOON, Shape(Kind.CLASSES, 65536), 1, b"\0\1\2\3"),
        ]
        store.record_predictions("m", made)

        assert store.find_predictions([one.id for one in made]) == {one.id: one for one in made}
        assert store.find_predictions([id_of("never")]) == store.find_predictions([]) == {}

    def test_the_latest_of_the_same_id_counts_in_whatever_order(self, store: QualityStore) -> None:
        early, late = prediction("a", b"\1\0\0"), prediction("a", b"\2\0\0", version=2, at=NOON + 1)

        store.record_predictions("m", [late])
        store.record_predictions("m", [early])
        assert store.find_predictions([early.id]) == {early.id: late}
        latest = replace(late, at=NOON + 2)
        store.record_predictions("m", [latest, early])
        assert store.find_predictions([early.id]) == {early.id: latest}

    def test_what_has_no_rows_to_keep_is_not_kept(self, store: QualityStore) -> None:
        store.record_predictions("m", [replace(prediction("a", b"\1\0\0"), content=None)])
        store.record_predictions("m", [])
        assert store.find_predictions([id_of("a")]) == {}
        assert store.readings() == []

    def test_many_and_large_ones(self, store: QualityStore) -> None:
        made = [prediction(str(n), bytes(3 * n)) for n in range(1, 2501)]
        store.record_predictions("m", made)
        found = store.find_predictions([one.id for one in made])
        assert found == {one.id: one for one in made}

    def test_repositories_do_not_meet(self, engine: sa.Engine, store: QualityStore) -> None:
        store.record_predictions("m", [prediction("a", b"\1\0\0")])
        assert QualityStore(engine, "/other").find_predictions([id_of("a")]) == {}


class TestKeys:
    def test_all_that_begin_at_once_get_the_same_key(self, database_url: str) -> None:
        def begin(_: int) -> list[ReceiptKey]:
            engine = open_database(database_url)
            try:
                return KeyStore(engine).get_or_create(5.0)
            finally:
                engine.dispose()

        with ThreadPoolExecutor(8) as threads:
            told = list(threads.map(begin, range(8)))

        assert all(keys == told[0] for keys in told)
        (key,) = told[0]
        assert (len(key.id), len(key.secret), key.created_at, key.retired_at) == (8, 32, 5.0, None)

    def test_a_new_key_retires_the_others(self, engine: sa.Engine) -> None:
        keys = KeyStore(engine)
        (first,) = keys.get_or_create(5.0)
        second = keys.rotate(10.0)
        third = keys.rotate(9.0)  # by a replica whose clock is behind

        assert keys.read() == keys.get_or_create(20.0) == [
            replace(first, retired_at=10.0), replace(second, retired_at=9.0), third,
        ]  # fmt: skip
        assert third.created_at > second.created_at
        assert len({key.secret for key in keys.read()}) == 3

    def test_what_is_too_old_is_swept(self, engine: sa.Engine) -> None:
        keys = KeyStore(engine)
        keys.get_or_create(5.0)
        keys.rotate(10.0)
        third = keys.rotate(20.0)
        assert keys.sweep(20.0) == 1
        assert keys.sweep(21.0) == 1
        assert keys.sweep(1e12) == 0
        assert keys.read() == [third]

    def test_known_keys_are_deleted_at_once(self, engine: sa.Engine) -> None:
        keys = KeyStore(engine)
        keys.get_or_create(5.0)
        new = keys.rotate(10.0, forget=True)
        assert keys.read() == [new]

    def test_a_process_knows_them(self, engine: sa.Engine) -> None:
        keys = ReceiptKeys(KeyStore(engine), lambda: 5.0)
        keys.refresh()
        signer = keys.signer(5.0)
        assert signer is not None
        assert [key.id for key in KeyStore(engine).read()] == [signer.id]


def test_a_database_has_a_name_of_its_own(engine: sa.Engine, database_url: str) -> None:
    other = open_database(database_url)
    assert KeyStore(engine).installation() == KeyStore(other).installation()
    assert len(KeyStore(engine).installation()) == 32
    other.dispose()
