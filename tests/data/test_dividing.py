"""The parts of a data set: their facts, what is too small, and what is only worth a warning."""

from typing import Any

import numpy as np
import pytest

from service.base.refusals import DataRefused
from service.data.dataset import Dataset, Expected
from service.data.dividing import Division, divide
from service.data.finishing import count_classes
from service.recipe.data import Split
from tests.data.made import expected

WANTED = expected(label_names=("no", "yes"))
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.random((200, 4)).astype(np.float32)
LABELS = np.arange(200) % 2


def dataset(
    rows: np.ndarray = ROWS, labels: np.ndarray = LABELS, wanted: Expected = WANTED, **more: Any
) -> Dataset:
    counts = count_classes(labels, wanted)
    return Dataset({"input": rows}, labels, len(rows), counts, **more)


def refusal(data: Dataset, division: Division, wanted: Expected = WANTED) -> str:
    with pytest.raises(DataRefused) as caught:
        divide("rows.csv", data, wanted, division)
    return str(caught.value).removeprefix("rows.csv: data.split: ")


def test_every_row_is_in_one_part_and_counted() -> None:
    divided = divide("rows.csv", dataset(), WANTED, Division(Split(by="stratified")))

    rows = np.concatenate([divided.parts[name].rows for name in divided.parts])
    assert sorted(rows.tolist()) == list(range(200))
    assert divided.facts["parts"] == {"train": 140, "validation": 30, "held_out": 30}
    assert divided.facts["counts"]["held_out"] == {"no": 15, "yes": 15}
    assert divided.facts["rows"] == 200
    assert divided.facts["warnings"] == []
    assert divided.facts["split"] == {
        "validation": 0.15, "held_out": 0.15, "by": "stratified", "seed": 0, "files": []
    }  # fmt: skip


def test_the_digest_is_of_all_that_is_learned_from() -> None:
    def digest(data: Dataset) -> str:
        found: str = divide("rows.csv", data, WANTED, Division(Split())).facts["sha256"]
        return found

    other = ROWS.copy()
    other[7, 1] += 1
    weights = np.ones(200, np.float32)

    digests = [
        digest(dataset()),
        digest(dataset(other)),
        digest(dataset(ROWS[::-1])),
        digest(dataset(labels=1 - LABELS)),
        digest(dataset(weights=weights)),
    ]

    assert digest(dataset(ROWS.copy())) == digests[0]
    assert len(set(digests)) == 5


def test_a_part_may_have_rows_of_its_own() -> None:
    own = dataset(RANDOM.random((5, 4)).astype(np.float32), np.zeros(5, np.int64))

    divided = divide("rows.csv", dataset(), WANTED, Division(Split(), {"held_out": own}))

    parts = divided.facts["parts"]
    assert parts["held_out"] == 5
    assert parts["train"] + parts["validation"] == 200
    assert divided.facts["split"]["held_out"] == 0
    assert divided.facts["warnings"] == ["held_out has no row of 'yes'"]


def test_rows_to_learn_from_that_are_held_out_too_are_told() -> None:
    own = dataset(ROWS[:7], LABELS[:7])

    division = Division(Split(validation=0), {"held_out": own})
    facts = divide("rows.csv", dataset(), WANTED, division).facts

    assert "7 of 7 rows of held_out are in train as well" in facts["warnings"]


def test_without_a_split_all_rows_are_one_part() -> None:
    divided = divide("rows.csv", dataset(), WANTED, Division(None))

    assert divided.facts["parts"] == {"held_out": 200}
    assert divided.facts["split"] == {}


@pytest.mark.parametrize(
    ("count", "told", "words"),
    [
        (2, {}, "of 2 rows too few are left for "),
        (3, {"by": "stratified"}, "of 3 rows too few are left for validation"),
        (40, {"held_out": 0.1, "by": "stratified"}, "at least 20: more rows, a larger share"),
        (40, {"held_out": 0}, "too few are left for held_out"),
    ],
)
def test_a_part_that_is_too_small_is_told(count: int, told: dict[str, Any], words: str) -> None:
    data = dataset(ROWS[:count], LABELS[:count])

    text = refusal(data, Division(Split(**told), held_out_rows=20 if count == 40 else 1))

    assert words in text


def test_a_file_of_its_own_must_be_enough_for_the_gate_too() -> None:
    division = Division(Split(), {"held_out": dataset(ROWS[:7], LABELS[:7])}, held_out_rows=20)

    assert "held_out 7); expected at least 20" in refusal(dataset(), division)


def test_two_classes_must_be_left_to_learn_from() -> None:
    labels = np.array([1] + [0] * 5)
    times = np.arange(6)[::-1].astype(float)
    data = dataset(ROWS[:6], labels, times=times)

    text = refusal(data, Division(Split(by="time", validation=0.2, held_out=0.2)))

    assert text.startswith("all 4 rows to learn from have the label no; expected at least two")


def test_a_split_that_can_not_be_is_told() -> None:
    numbers = expected(classes=None)

    assert "a stratified split needs one class a row" in refusal(
        dataset(labels=LABELS.astype(np.float32), wanted=numbers),
        Division(Split(by="stratified")),
        numbers,
    )
    assert "there are no times" in refusal(dataset(), Division(Split(by="time")))
