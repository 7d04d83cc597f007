"""Which array of a legacy file goes into which layer, and what is said about it."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from service.base.refusals import WeightsMismatch
from service.loading.weights.assignment import WeightOptions, load_weights
from tests.loading.fake_keras import (
    LSTM,
    BatchNormalization,
    Dense,
    FakeLayer,
    Sequential,
)
from tests.loading.weights.files import dense, legacy_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "w.h5"


def test_layers_are_matched_by_name_whatever_their_order(path: Path) -> None:
    first, second = Dense("first"), Dense("second")
    legacy_file(path, [dense("second", 2), dense("first", 1)])

    report = load_weights(Sequential(first, second), path, "w.h5")

    assert report.by == "name"
    assert (first.first, second.first) == (1, 2)


def test_numbered_names_are_matched_by_their_rank(path: Path) -> None:
    """Keras numbers layers by what was built before in the same process."""
    first, second = Dense("dense"), Dense("dense_1")
    model = Sequential(FakeLayer("flatten"), first, FakeLayer("dropout"), second)
    legacy_file(path, [dense("dense_7", 7), dense("dense_8", 8)])

    report = load_weights(model, path, "w.h5")

    assert report.by == "numbering"
    assert report.matched == (("dense_7", "dense"), ("dense_8", "dense_1"))
    assert (first.first, second.first) == (7, 8)


def test_a_file_that_contradicts_its_own_numbering_is_refused(path: Path) -> None:
    model = Sequential(Dense("dense"), Dense("dense_1"))
    legacy_file(path, [dense("dense_8", 8), dense("dense_7", 7)])

    with pytest.raises(WeightsMismatch) as caught:
        load_weights(model, path, "w.h5")

    assert "'dense_7', 'dense_8' of the file" in str(caught.value)
    assert "weights: order" in str(caught.value)
    assert model.is_untouched()


def test_layers_that_could_be_exchanged_are_refused(path: Path) -> None:
    model = Sequential(Dense("encode"), Dense("decode"))
    legacy_file(path, [dense("one", 1), dense("two", 2)])

    with pytest.raises(WeightsMismatch, match="'one', 'two' of the file and 'encode', 'decode'"):
        load_weights(model, path, "w.h5")


def test_the_mode_order_goes_by_the_order_alone(path: Path) -> None:
    first, second = Dense("two"), Dense("one")
    legacy_file(path, [dense("one", 1), dense("two", 2)])

    report = load_weights(Sequential(first, second), path, "w.h5", WeightOptions("order"))

    assert report.by == "order"
    assert (first.first, second.first) == (1, 2)


def test_layers_of_different_shapes_need_no_names(path: Path) -> None:
    first, second = Dense("encode", units=3), Dense("decode", units=5)
    legacy_file(path, [dense("one", 1, units=3), dense("two", 2, units=5)])

    report = load_weights(Sequential(first, second), path, "w.h5")

    assert report.by == "order"
    assert (first.first, second.first) == (1, 2)


def test_a_nested_model_is_one_row_with_what_is_trained_first(path: Path) -> None:
    inner = Sequential(Dense("za"), BatchNormalization("norm"), Dense("ab", 3, 3), name="body")
    names = ["za/kernel", "za/bias", "norm/gamma", "norm/beta", "ab/kernel", "ab/bias"]
    shapes = [(4, 3), (3,), (3,), (3,), (3, 3), (3,), (3,)]
    arrays = {
        f"{name}:0": np.full(shape, number, "f4")
        for number, (name, shape) in enumerate(
            zip([*names, "norm/moving_mean"], shapes, strict=True)
        )
    }
    legacy_file(path, [("body", arrays)])

    load_weights(Sequential(inner), path, "w.h5")

    values = {variable.path: variable.value for variable in inner.weights}
    assert {name: float(value.flat[0]) for name, value in values.items() if value is not None} == {
        **{name: float(number) for number, name in enumerate(names)},
        "norm/moving_mean": 6.0,
    }


def test_the_layers_of_a_nested_model_are_matched_by_name(path: Path) -> None:
    first, second = Dense("first", 3, 3), Dense("second", 3, 3)
    _, one = dense("first", 1, 3, 3)
    _, two = dense("second", 2, 3, 3)
    legacy_file(path, [("body", {**two, **one})])

    load_weights(Sequential(Sequential(first, second, name="body")), path, "w.h5")

    assert (first.first, second.first) == (1, 2)


def test_the_layers_of_a_nested_model_without_common_names_are_refused(path: Path) -> None:
    body = Sequential(Dense("first", 3, 3), Dense("second", 3, 3), name="body")
    arrays = {**dense("one", 1, 3, 3)[1], **dense("two", 2, 3, 3)[1]}
    legacy_file(path, [("body", arrays)])

    with pytest.raises(WeightsMismatch, match="'one', 'two' of the file"):
        load_weights(Sequential(body), path, "w.h5")
    assert load_weights(Sequential(body), path, "w.h5", WeightOptions("fit")).matched == ()
    assert body.is_untouched()


def test_names_that_tensorflow_1_made_unique(path: Path) -> None:
    """multi_gpu_model kept a whole model as one layer, its variables under new names."""
    first, second = Dense("dense_1", 3, 3), Dense("dense_2", 3, 3)
    arrays = {**dense("dense_2_1", 2, 3, 3)[1], **dense("dense_1_1", 1, 3, 3)[1]}
    legacy_file(path, [("sequential_1", arrays)], keras_version="2.2.2")

    load_weights(Sequential(first, second), path, "w.h5")

    assert (first.first, second.first) == (1, 2)


def test_a_layer_that_stands_twice_must_be_the_same(path: Path) -> None:
    shared = Dense("shared", 3, 3)
    model = Sequential(shared, Sequential(shared, name="body"))
    legacy_file(path, [dense("shared", 1, 3, 3), ("body", dense("shared", 1, 3, 3)[1])])
    load_weights(model, path, "w.h5")

    legacy_file(path, [dense("shared", 1, 3, 3), ("body", dense("shared", 2, 3, 3)[1])])

    with pytest.raises(WeightsMismatch, match="twice, with other weights"):
        load_weights(model, path, "w.h5")


def test_an_lstm_of_before_its_cell_was_a_layer(path: Path) -> None:
    layer = LSTM("lstm")
    shapes = {"kernel": (2, 12), "recurrent_kernel": (3, 12), "bias": (12,)}
    arrays = {f"lstm_1/{key}:0": np.ones(shape, "f4") for key, shape in shapes.items()}
    legacy_file(path, [("lstm_1", arrays)], keras_version="2.1.3")

    assert load_weights(Sequential(layer), path, "w.h5").matched == (("lstm_1", "lstm"),)


def test_another_number_of_layers_is_refused_with_both_lists(path: Path) -> None:
    model = Sequential(Dense("a"), Dense("b"))
    legacy_file(path, [dense("a", 1)])

    with pytest.raises(WeightsMismatch) as caught:
        load_weights(model, path, "w.h5")

    assert "the model has 2 layers with weights (a, b), the file 1 (a)" in str(caught.value)
    assert "the file has nothing for b" in str(caught.value)
    assert model.is_untouched()


def test_a_long_list_of_layers_is_cut_short(path: Path) -> None:
    model = Sequential(*(Dense(f"layer_{number}") for number in range(100)))
    legacy_file(path, [])

    with pytest.raises(WeightsMismatch) as caught:
        load_weights(model, path, "w.h5")

    assert "layer_7, ..." in str(caught.value)
    assert "layer_8" not in str(caught.value)


def test_another_shape_is_refused_before_anything_was_assigned(path: Path) -> None:
    model = Sequential(Dense("a"), Dense("b", units=5))
    legacy_file(path, [dense("a", 1), dense("b", 2, units=6)])

    with pytest.raises(WeightsMismatch) as caught:
        load_weights(model, path, "w.h5")

    assert "layer 'b' has weights of the shapes [(4, 5), (5,)]" in str(caught.value)
    assert "the file's layer 'b' [(4, 6), (6,)]" in str(caught.value)
    assert model.is_untouched()


def test_an_array_that_no_list_names_is_refused(path: Path) -> None:
    legacy_file(path, [dense("a", 1)])
    with h5py.File(path, "r+") as file:
        file["a/a/99"] = np.ones(3)

    with pytest.raises(WeightsMismatch, match="no place for a/a/99 of the file"):
        load_weights(Sequential(Dense("a")), path, "w.h5")


def test_the_mode_fit_takes_what_fits_and_reports_the_rest(path: Path) -> None:
    body, head = Dense("body"), Dense("head", 3, 5)
    legacy_file(path, [dense("body", 1), dense("head", 2, 3, 10), dense("gone", 3)])

    report = load_weights(Sequential(body, head), path, "w.h5", WeightOptions("fit"))

    assert body.first == 1
    assert report.matched == (("body", "body"),)
    assert sorted(report.left_in_file) == ["gone", "head"]
    assert report.left_in_model == ("head",)
    assert "(3, 5)" in report.reasons[0]
    assert "Not loaded, as before in the model: head." in report.sentences()


def test_the_mode_fit_never_goes_by_order(path: Path) -> None:
    model = Sequential(Dense("x"), Dense("y"))
    legacy_file(path, [dense("one", 1), dense("two", 2)])

    report = load_weights(model, path, "w.h5", WeightOptions("fit"))

    assert report.matched == ()
    assert model.is_untouched()
