"""Which names tell what belongs together."""

from collections.abc import Callable

import pytest

from service.loading.weights.matching import Candidate, Match, Mode, match

ALIKE = ((4, 4), (4,))


def _matched(
    files: list[str],
    targets: list[str],
    mode: Mode = "strict",
    fits: Callable[[int, int], bool] = lambda file, target: True,
    is_ordered: bool = True,
) -> Match:
    """All layers are dense and of one shape."""
    return match(
        [Candidate(name, ALIKE) for name in files],
        [Candidate(name, ALIKE, "dense") for name in targets],
        fits,
        mode,
        is_ordered,
    )


def test_equal_sets_of_names_are_names_even_if_keras_gave_them() -> None:
    found = _matched(["dense_1", "dense"], ["dense", "dense_1"])

    assert found.pairs == [(0, 1), (1, 0)]
    assert found.by == {"name"}


def test_the_same_numbers_can_mean_other_layers() -> None:
    """dense_1 is the first of the file and the second of the model."""
    found = _matched(["dense_1", "dense_2"], ["dense", "dense_1"])

    assert found.pairs == [(0, 0), (1, 1)]
    assert found.by == {"numbering"}


def test_numbers_may_jump_if_both_sides_jump_alike() -> None:
    """A functional model doesn't list its layers in the order in which they were made."""
    found = _matched(["dense_462", "dense_468", "dense_463"], ["dense", "dense_6", "dense_1"])

    assert sorted(found.pairs) == [(0, 0), (1, 1), (2, 2)]
    assert not found.ambiguous


def test_another_order_of_the_numbers_is_ambiguous() -> None:
    found = _matched(["dense_2", "dense_1"], ["dense_5", "dense_6"])

    assert found.pairs == []
    assert sorted(found.ambiguous[0]) == [0, 1]


def test_the_only_order_that_fits_is_taken() -> None:
    found = _matched(
        ["dense_2", "dense_1"], ["dense_5", "dense_6"], fits=lambda file, target: file == target
    )

    assert found.pairs == [(0, 0), (1, 1)]
    assert found.by == {"order"}


def test_numbers_count_alone_where_the_file_has_no_order() -> None:
    found = _matched(["dense_2", "dense_1"], ["dense_5", "dense_6"], is_ordered=False)

    assert sorted(found.pairs) == [(0, 1), (1, 0)]
    assert found.by == {"numbering"}


def test_given_names_and_numbers_mix() -> None:
    found = _matched(["dense_4", "head", "dense_5"], ["head", "dense", "dense_1"])

    assert sorted(found.pairs) == [(0, 1), (1, 0), (2, 2)]
    assert found.by == {"name", "numbering"}


def test_names_of_keras_1_count_for_todays() -> None:
    found = match(
        [Candidate("convolution2d_1", ALIKE), Candidate("convolution2d_2", ALIKE)],
        [Candidate("conv2d", ALIKE, "conv2d"), Candidate("conv2d_1", ALIKE, "conv2d")],
        lambda file, target: True,
    )

    assert found.by == {"numbering"}


def test_one_layer_without_a_name_is_beyond_doubt() -> None:
    found = _matched(["a", "one"], ["other", "a"])

    assert sorted(found.pairs) == [(0, 1), (1, 0)]
    assert not found.ambiguous


def test_two_layers_alike_without_names_are_ambiguous() -> None:
    found = _matched(["one", "two"], ["encode", "decode"])

    assert found.ambiguous == [(0, 1)]


@pytest.mark.parametrize("files", [["a"], ["a", "b", "c"], []])
def test_what_has_no_partner_is_in_no_pair(files: list[str]) -> None:
    assert len(_matched(files, ["x", "y"]).pairs) == 0


def test_fit_takes_a_head_of_more_layers_or_less() -> None:
    found = _matched(["dense", "dense_1", "dense_2"], ["dense", "dense_1", "head"], "fit")

    assert found.pairs == [(0, 0), (1, 1)]


def test_fit_leaves_numbers_that_begin_elsewhere() -> None:
    assert _matched(["dense_1", "dense_2", "dense_3"], ["dense_2", "dense_3"], "fit").pairs == []


def test_order_goes_by_order_whatever_the_names() -> None:
    assert _matched(["a", "b"], ["b", "a"], "order").pairs == [(0, 0), (1, 1)]
