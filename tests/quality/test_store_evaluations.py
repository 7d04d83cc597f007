"""Evaluations are kept once, the newest are found, and two versions meet on the same data only."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from service.quality.store_evaluations import EvaluationStore, StoredEvaluation

ONE = StoredEvaluation(
    model="m",
    version=1,
    dataset="test",
    data_sha256="a" * 64,
    rows=3,
    job="j1",
    at=1_790_000_000.25,
    scores={"accuracy": 2 / 3, "classes": [{"index": 0, "recall": None}]},
    metrics={"accuracy": 2 / 3, "macro_f1": 0.5},
    confusion=((1, 1), (0, 1)),
    correct=b"\xa0",
)


@pytest.fixture
def store(engine: sa.Engine) -> EvaluationStore:
    return EvaluationStore(engine, "/models")


def test_an_evaluation_is_found_as_it_was(store: EvaluationStore) -> None:
    store.add(ONE)

    assert store.find("m") == [replace(ONE, correct=b"")]
    assert store.find("m", 1, "test") == store.latest() == store.latest("m")
    assert store.find("m", 2) == store.find("m", 1, "train") == store.latest("other") == []


def test_the_same_one_again_is_kept_once(store: EvaluationStore) -> None:
    store.add(ONE)
    store.add(replace(ONE, at=ONE.at + 5, rows=4))

    assert [found.rows for found in store.find("m")] == [3]


def test_latest_has_the_newest_of_each_version_and_dataset(store: EvaluationStore) -> None:
    made = [
        ONE,
        replace(ONE, job="j2", rows=5),
        replace(ONE, version=2),
        replace(ONE, dataset="train"),
        replace(ONE, model="n", confusion=(), correct=b""),
    ]
    for one in made:
        store.add(one)

    found = [(one.model, one.version, one.dataset, one.job) for one in store.latest()]
    assert found == [
        ("m", 1, "test", "j2"), ("m", 1, "train", "j1"), ("m", 2, "test", "j1"),
        ("n", 1, "test", "j1"),
    ]  # fmt: skip
    assert [one.job for one in store.find("m", limit=2)] == ["j1", "j1"]


def test_versions_are_compared_on_the_same_data(store: EvaluationStore) -> None:
    other = "b" * 64
    store.add(ONE)
    store.add(replace(ONE, version=2, data_sha256=other))
    assert store.on_same_data("m", 1, 2) is None

    store.add(replace(ONE, version=2, correct=b"\x40"))
    store.add(replace(ONE, job="j2", data_sha256=other))
    store.add(replace(ONE, job="j3", correct=b"\xe0", dataset="train"))

    found = store.on_same_data("m", 1, 2, "test")
    assert found is not None
    assert [(one.version, one.job, one.data_sha256) for one in found] == [
        (1, "j2", other), (2, "j1", other),
    ]  # fmt: skip
    newest = store.on_same_data("m", 1, 2)
    assert newest is not None
    assert (newest[0].job, newest[0].correct, newest[1].correct) == ("j3", b"\xe0", b"\x40")


def test_repositories_do_not_meet(engine: sa.Engine, store: EvaluationStore) -> None:
    store.add(ONE)
    other = EvaluationStore(engine, "/other")
    assert other.latest() == other.find("m") == []
    other.add(ONE)
    assert len(store.find("m")) == len(other.latest()) == 1
