"""Which array of a legacy file goes into which layer."""

import numpy as np
import pytest

from service.base.errors import WeightsMismatch
from service.loading.hdf5 import LayerArrays
from service.loading.weights import assign_legacy
from tests.loading.fake_keras import FakeLayer, FakeModel, FakeNormalization, FakeVariable


def _dense(name: str, inputs: int = 4, units: int = 3) -> FakeLayer:
    return FakeLayer(name, [FakeVariable(inputs, units), FakeVariable(units)])


def _arrays(layer: str, inputs: int = 4, units: int = 3, fill: float = 1.0) -> LayerArrays:
    names = (f"{layer}/kernel:0", f"{layer}/bias:0")
    return LayerArrays(layer, names, (np.full((inputs, units), fill), np.full(units, fill)))


def _fill(layer: FakeLayer) -> float:
    value = layer.trainable_weights[0].value
    assert value is not None
    return float(value.flat[0])


def test_layers_are_matched_by_name_whatever_their_order() -> None:
    first, second = _dense("first"), _dense("second")

    matched = assign_legacy(
        FakeModel([first, second]), [_arrays("second", fill=2), _arrays("first", fill=1)], "w.h5"
    )

    assert matched.by == "name"
    assert (_fill(first), _fill(second)) == (1, 2)


def test_layers_of_other_names_are_matched_by_order() -> None:
    """Keras numbers layers by what was built before in the same process."""
    first, second = _dense("dense"), _dense("dense_1")
    model = FakeModel([FakeLayer("flatten"), first, FakeLayer("dropout"), second])

    matched = assign_legacy(model, [_arrays("dense_7", fill=7), _arrays("dense_8", fill=8)], "w.h5")

    assert matched.by == "order"
    assert matched.pairs == (("dense_7", "dense"), ("dense_8", "dense_1"))
    assert (_fill(first), _fill(second)) == (7, 8)


def test_a_name_that_stands_twice_in_the_file_leaves_no_layer_empty() -> None:
    first, second = _dense("first"), _dense("second")

    matched = assign_legacy(
        FakeModel([first, second]), [_arrays("first", fill=1), _arrays("first", fill=2)], "w.h5"
    )

    assert matched.by == "order"
    assert (_fill(first), _fill(second)) == (1, 2)


def test_trained_weights_come_before_counted_ones() -> None:
    batch_norm = FakeLayer("bn", [FakeVariable(2), FakeVariable(2)], [FakeVariable(2)])
    arrays = tuple(np.full(2, value) for value in (1.0, 2.0, 3.0))

    assign_legacy(FakeModel([batch_norm]), [LayerArrays("bn", ("g", "b", "m"), arrays)], "w.h5")

    assert batch_norm.non_trainable_weights[0].value is arrays[2]


def test_another_number_of_layers_is_refused_with_both_lists() -> None:
    model = FakeModel([_dense("a"), _dense("b")])

    with pytest.raises(WeightsMismatch) as caught:
        assign_legacy(model, [_arrays("a")], "w.h5")

    assert "the model has 2 layers with weights (a, b), the file 1 (a)" in str(caught.value)
    assert all(variable.value is None for variable in model.variables())


def test_a_long_list_of_layers_is_cut_short() -> None:
    model = FakeModel([_dense(f"layer_{number}") for number in range(100)])

    with pytest.raises(WeightsMismatch) as caught:
        assign_legacy(model, [], "w.h5")

    assert "layer_7, ..." in str(caught.value)
    assert "layer_8" not in str(caught.value)


def test_another_shape_is_refused_before_anything_was_assigned() -> None:
    model = FakeModel([_dense("a"), _dense("b", units=5)])

    with pytest.raises(WeightsMismatch) as caught:
        assign_legacy(model, [_arrays("a"), _arrays("b", units=6)], "w.h5")

    assert "layer 'b' has weights of the shapes [(4, 5), (5,)]" in str(caught.value)
    assert "the file's layer 'b' [(4, 6), (6,)]" in str(caught.value)
    assert all(variable.value is None for variable in model.variables())


def test_another_number_of_arrays_is_refused() -> None:
    model = FakeModel([_dense("a")])
    arrays = _arrays("a")
    without_bias = LayerArrays("a", arrays.names[:1], arrays.arrays[:1])

    with pytest.raises(WeightsMismatch, match="layer 'a'"):
        assign_legacy(model, [without_bias], "w.h5")


def _normalization_arrays(*last: str) -> LayerArrays:
    names = ("norm/mean:0", "norm/variance:0", *last)
    arrays = (np.array([5.0]), np.array([2.0]), *(np.array(100) for _ in last))
    return LayerArrays("norm", names, arrays)


def test_the_rows_that_a_normalization_had_seen_are_dropped() -> None:
    layer = FakeLayer("norm", [], [FakeVariable(1), FakeVariable(1)])

    assign_legacy(FakeModel([layer]), [_normalization_arrays("norm/count:0")], "w.h5")

    assert [variable.value for variable in layer.non_trainable_weights] == [5.0, 2.0]


def test_no_other_array_is_dropped() -> None:
    layer = FakeLayer("norm", [], [FakeVariable(1), FakeVariable(1)])

    with pytest.raises(WeightsMismatch):
        assign_legacy(FakeModel([layer]), [_normalization_arrays("norm/gamma:0")], "w.h5")


def test_a_normalization_takes_over_its_new_weights_also_within_another_layer() -> None:
    """Without this it would go on computing with mean 0 and variance 1."""
    norm = FakeNormalization("norm", [], [FakeVariable(1), FakeVariable(1)])
    nested = FakeLayer("features", [], norm.non_trainable_weights, inner=[norm])

    assign_legacy(FakeModel([nested]), [_normalization_arrays()], "w.h5")

    assert norm.finalized_with == 5.0
