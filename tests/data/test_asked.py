"""What a request says of its data becomes what a file must hold."""

from typing import Any

import pytest

from service.base.refusals import DataRefused
from service.base.sequences import Sequences
from service.data.asked import expected_rows
from service.data.dataset import Expected
from service.recipe.data import DataRequest, LabelledData
from tests.data.made import signature

NAMES = ("rock", "jazz", "folk")


def asked(form: str = "classes", width: int = 3, **data: Any) -> Expected:
    request = DataRequest.model_validate({"file": "rows.csv", **data})
    return expected_rows(request, signature((4,), outputs=width), form, width, NAMES)


def test_a_request_without_any_mapping_takes_the_usual_names() -> None:
    found = asked()

    assert (found.classes, found.label_names) == (3, NAMES)
    assert found.label_columns == ("y", "label", "target", "class", "labels")
    assert (found.min_rows, found.min_classes) == (2, 2)
    assert not found.leaves_others


def test_a_mapping_names_the_columns() -> None:
    columns = {"label": "genre", "features": ["a", "b"], "weight": "w", "time": "t"}

    found = asked(columns=columns)

    assert found.label_columns == ("genre",)
    assert found.columns == ("a", "b")
    assert found.leaves_others
    assert (found.weight_column, found.time_column) == ("w", "t")
    assert asked(columns={"ignore": ["id"]}).ignored == ("id",)


def test_an_evaluation_may_have_few_rows_of_one_class() -> None:
    request = LabelledData(file="rows.csv")

    found = expected_rows(request, signature((4,)), "values", 2, NAMES, Sequences())

    assert (found.min_rows, found.min_classes, found.classes) == (1, 1, None)
    assert found.sequences == Sequences()
    assert found.label_names == ()


def test_label_columns_called_as_the_classes_stand_in_any_order() -> None:
    other = ["one", "two", "three"]

    assert asked("sets", columns={"label": ["folk", "rock", "jazz"]}).labels_apart == NAMES
    assert asked("sets", columns={"label": other}).labels_apart == tuple(other)


@pytest.mark.parametrize(
    ("form", "data", "words"),
    [
        ("classes", {"columns": {"label": ["a", "b"]}}, "names 2 label columns, but the model"),
        ("sets", {"columns": {"label": ["a", "b"]}}, "names 2 label columns"),
        (
            "sets",
            {"columns": {"label": ["jazz", "rock", "other"]}},
            "'jazz' is called as a label, but stands in the place of another one",
        ),
        ("values", {"labels": "names"}, "labels are names, but the model's classes have none"),
        ("nothing", {}, "the model's first output is nothing that a label can be compared with"),
    ],
)
def test_what_can_not_be_meant_is_refused(form: str, data: dict[str, Any], words: str) -> None:
    with pytest.raises(DataRefused, match=words):
        asked(form, **data)


def test_what_is_expected_survives_its_record() -> None:
    request = LabelledData(file="a.csv")
    found = expected_rows(request, signature((None, 2)), "sets", 3, NAMES, Sequences(value=-1))

    assert Expected.from_json(found.as_json()) == found
