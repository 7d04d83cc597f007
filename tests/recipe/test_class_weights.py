"""How much a row of each class counts."""

import pytest

from service.recipe.class_weights import class_weights, unfit_weights


def test_balanced_gives_each_class_the_same_say() -> None:
    weights = class_weights("balanced", ("cat", "dog"), {"cat": 30, "dog": 10})

    assert weights == pytest.approx([40 / 60, 2.0])
    assert weights[0] * 30 == pytest.approx(weights[1] * 10)


def test_a_class_without_rows_has_no_say_and_takes_none() -> None:
    assert class_weights("balanced", ("a", "b", "c"), {"a": 5, "b": 5}) == [1.0, 1.0, 0.0]


def test_labels_are_named_or_numbered_and_the_others_weigh_one() -> None:
    assert class_weights({"dog": 3.0, "0": 2.0}, ("cat", "dog", "cow"), {}) == [2.0, 3.0, 1.0]


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(ValueError, match="names cow; expected some of cat, dog"):
        class_weights({"cow": 1.0}, ("cat", "dog"), {})


def test_numbers_have_no_classes() -> None:
    with pytest.raises(ValueError, match="this model tells numbers"):
        class_weights("balanced", (), {})


def test_it_is_known_before_the_job_whether_they_fit() -> None:
    names = ("cat", "dog")

    assert unfit_weights(None, "values", ()) == ""
    assert unfit_weights("balanced", "classes", names) == ""
    assert unfit_weights({"cow": 1.0}, "classes", names).startswith("class_weight names cow")
    assert "several labels" in unfit_weights("balanced", "sets", names)
    assert "tells numbers" in unfit_weights("balanced", "values", ())
