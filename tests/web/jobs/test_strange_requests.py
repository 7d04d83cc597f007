"""Whatever stands in a request, it is one that can be kept, or refused in words that name it."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from service.base.errors import RequestInvalid
from service.base.strict_json import parse_object
from service.recipe.evaluation import EvaluateRequest
from service.recipe.retrain import RetrainRequest
from service.web.admin.bodies import validated

DATA = {
    "file": "train.csv", "labels": "auto",
    "columns": {"label": "y", "features": ["a"], "weight": "w", "time": "t", "ignore": ["c"]},
    "split": {"validation": 0.1, "held_out": 0.1, "by": "hash", "seed": 1},
}  # fmt: skip
RETRAIN = {
    "data": DATA,
    "init": {"from": "weights", "version": 1, "freeze": ["a"], "replace_head": {"classes": 3}},
    "compile": {
        "optimizer": {"class_name": "Adam", "config": {"beta_1": 0.9}}, "loss": "mse",
        "metrics": ["accuracy", {"class_name": "AUC", "config": {}}], "class_weight": {"a": 1},
    },
    "fit": {"epochs": 1, "batch_size": 2, "seed": 1, "validation_freq": [1, 2]},
    "callbacks": {
        "ModelCheckpoint": [{"filepath": "a.keras", "save_freq": "epoch"}],
        "EarlyStopping": {"patience": 2}, "CSVLogger": True,
        "LearningRateScheduler": {"schedule": {"kind": "table", "values": {"0": 0.1}}},
    },
    "gate": {"metric": "accuracy", "min_class_recall": {"a": 0.1}, "significance": 0.1},
    "promote": "manual", "priority": 0,
}  # fmt: skip
LIVE = {"data": {"from_feedback": {"since": "30d", "versions": [1], "limit": 3}}}
EVALUATE = {"data": {"file": "a.csv"}, "versions": [1, 2], "loss": {"class_name": "mse"}}
ODD: list[Any] = [
    None, True, 0, -1, 1.5, 1e308, 10**19, 2**63, "", "x", "\0", "a" * 5000, "../x", [], {}, [[]],
    [{}], {"a": {}}, {"": 1}, {"class_name": {}}, {"class_name": [], "config": 3}, {"name": {}},
    {"name": "Adam", "config": []}, {"kind": {}}, {"all_but_last": {}}, [None], ["a"] * 2000,
    {"balanced": None},
]  # fmt: skip
KEYS = ("class_name", "config", "name", "kind", "schedule", "monitor", "from", "extra", "0")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a record something stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


def spoilt(record: Any, lots: random.Random) -> Any:
    """The record with something odd in it, somewhere."""
    record = copy.deepcopy(record)
    for _ in range(lots.randint(1, 3)):
        *way, last = lots.choice(list(places(record)))
        inner = record
        for key in way:
            inner = inner[key]
        if isinstance(inner, dict) and lots.random() < 0.3:
            last = lots.choice(KEYS)
        inner[last] = copy.deepcopy(lots.choice(ODD))
    return record


@pytest.mark.parametrize(
    ("kind", "record"),
    [(RetrainRequest, RETRAIN), (RetrainRequest, LIVE), (EvaluateRequest, EVALUATE)],
    ids=["retrain", "from feedback", "evaluate"],
)
def test_nothing_but_a_refusal_comes_of_it(kind: type[BaseModel], record: Any) -> None:
    assert validated(kind, record)
    lots, kept, refusals = random.Random(7), 0, []
    for _ in range(3000):
        sent = parse_object(orjson.dumps(spoilt(record, lots)))
        try:
            asked = validated(kind, sent)
        except RequestInvalid as error:
            refusals.append(str(error))
            continue
        told = asked.model_dump(mode="json", by_alias=True)
        assert kind.model_validate(told) == asked
        kept += 1
    assert kept > 20
    assert len(refusals) > 1000
    assert max(map(len, refusals)) < 3000
