"""What is kept of a model's inputs, and that nothing is where the operator is misunderstood."""

import pytest

from service.base.signature import Signature, TensorSpec
from service.capture.terms import ALL, Terms, keeping

TWO = Signature(
    (
        TensorSpec("image", "uint8", (None, 2, 2)),
        TensorSpec("facts", "float32", (None, 3)),
    ),
    (TensorSpec("y", "float32", (None, 2)),),
)
OPEN = Signature(
    (TensorSpec("steps", "float32", (None, None, 6)), TensorSpec("text", "string", (None,))),
    (TensorSpec("y", "float32", (None, 2)),),
)
FEATURES = ("a", "b", "c", "d", "age", "sex", "height")


def blanks(terms: Terms, signature: Signature = TWO) -> dict[str, tuple[int, ...]]:
    kept = keeping(terms, signature)
    assert kept.is_any
    assert not kept.unknown
    return {one.name: one.blank for one in kept.inputs}


@pytest.mark.parametrize(
    ("fraction", "threshold"), [(0.0, 0), (0.5, ALL // 2), (1.0, ALL), (1e-9, int(1e-9 * ALL))]
)
def test_the_share_is_one_of_all_ids(fraction: float, threshold: int) -> None:
    assert Terms(fraction).threshold == threshold


def test_without_drop_everything_is_kept() -> None:
    assert blanks(Terms(1)) == {"image": (), "facts": ()}
    assert [one.name for one in keeping(Terms(1), OPEN).inputs] == ["steps", "text"]


def test_inputs_and_numbers_of_them_are_dropped() -> None:
    assert blanks(Terms(1, ("image",))) == {"facts": ()}
    assert blanks(Terms(1, ("facts[2]", "facts[0]", "image[3]"))) == {
        "image": (3,),
        "facts": (0, 2),
    }


def test_columns_of_tables_are_dropped_by_their_names() -> None:
    assert blanks(Terms(1, ("age", "b"), FEATURES)) == {"image": (1,), "facts": (0,)}


@pytest.mark.parametrize(
    ("word", "signature", "features"),
    [
        ("imgae", TWO, ()),
        ("facts[3]", TWO, ()),
        ("facts[-1]", TWO, ()),
        ("age", TWO, ()),
        ("age", TWO, FEATURES[1:]),
        ("steps[0]", OPEN, ()),
        ("text[0]", OPEN, ()),
    ],
)
def test_what_isnt_understood_has_nothing_kept(
    word: str, signature: Signature, features: tuple[str, ...]
) -> None:
    kept = keeping(Terms(1, (signature.inputs[0].name, word), features), signature)
    assert kept.unknown == (word,)
    assert not kept.is_any


def test_a_model_of_which_everything_is_dropped_has_nothing_kept() -> None:
    assert not keeping(Terms(1, ("image", "facts")), TWO).is_any
