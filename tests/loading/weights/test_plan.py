"""What an array must be to go into a variable."""

from pathlib import Path

import numpy as np
import pytest

from service.base.refusals import FileBroken, WeightsMismatch
from service.loading.weights.assignment import WeightOptions, load_weights
from tests.loading.fake_keras import BatchNormalization, Dense, FakeLayer, Normalization, Sequential
from tests.loading.weights.files import dense, legacy_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "w.h5"


def test_within_a_layer_names_go_before_order(path: Path) -> None:
    layer = Dense("a", 3, 3)
    kernel, bias = np.ones((3, 3), "f4"), np.full(3, 2, "f4")
    legacy_file(path, [("a", {"a/bias:0": bias, "a/kernel:0": kernel})])

    load_weights(Sequential(layer), path, "w.h5")

    assert layer.first == 1


def test_another_name_at_the_place_of_a_variable_is_refused(path: Path) -> None:
    layer = BatchNormalization("norm")
    names = ("norm/beta:0", "norm/moving_variance:0", "norm/gamma:0")
    legacy_file(path, [("norm", {name: np.ones(3, "f4") for name in names})])

    with pytest.raises(WeightsMismatch, match="'gamma' where the file has 'norm/beta:0'"):
        load_weights(Sequential(layer), path, "w.h5")


def test_keras_1_and_theano(path: Path) -> None:
    """No version, no backend, the ordering of the architecture: so it was Theano."""

    class Conv2D(FakeLayer):
        data_format = "channels_first"

    layer = Conv2D("convolution2d_1", kernel=(2, 2, 1, 3), bias=(3,))
    kernel = np.arange(12, dtype="f4").reshape(3, 1, 2, 2)
    arrays = {"convolution2d_1_W": kernel, "convolution2d_1_b": np.ones(3, "f4")}
    legacy_file(path, [("convolution2d_1", arrays)])

    report = load_weights(Sequential(layer), path, "w.h5", WeightOptions(dim_ordering="th"))
    kept = WeightOptions(dim_ordering="th", kernels="keep")

    assert layer.first == 3
    assert len(report.conversions) == 2
    load_weights(Sequential(layer), path, "w.h5", kept)
    assert layer.first == 0


@pytest.mark.parametrize("dtype", ["i8", "u1", "?", ">f4", ">f8"])
def test_only_plain_floats_are_weights(path: Path, dtype: str) -> None:
    name, arrays = dense("a", 1)
    legacy_file(path, [(name, {key: value.astype(dtype) for key, value in arrays.items()})])

    with pytest.raises(WeightsMismatch, match="layer 'a': the array for 'kernel' is of type"):
        load_weights(Sequential(Dense("a")), path, "w.h5")


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
def test_floats_of_any_size_become_the_layers(path: Path, dtype: str) -> None:
    layer = Dense("a")
    name, arrays = dense("a", 0.5)
    legacy_file(path, [(name, {key: value.astype(dtype) for key, value in arrays.items()})])

    load_weights(Sequential(layer), path, "w.h5")

    assert layer.weights[0].value is not None
    assert layer.weights[0].value.dtype == np.float32


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused_with_the_layer(path: Path, number: float) -> None:
    legacy_file(path, [dense("a", number)])

    with pytest.raises(FileBroken, match="layer 'a': the array for 'kernel' holds NaN or inf"):
        load_weights(Sequential(Dense("a")), path, "w.h5")


def test_a_number_too_large_for_the_layer_is_refused(path: Path) -> None:
    arrays = {"a/kernel:0": np.full((4, 3), 1e300), "a/bias:0": np.ones(3)}
    legacy_file(path, [("a", arrays)])

    with pytest.raises(WeightsMismatch, match="too large for float32"):
        load_weights(Sequential(Dense("a")), path, "w.h5")


def test_the_rows_that_a_normalization_had_seen_are_dropped(path: Path) -> None:
    layer = Normalization("norm", mean=(1,), variance=(1,))
    arrays = {"mean:0": np.array([5.0]), "variance:0": np.array([2.0]), "count:0": np.array(100)}
    legacy_file(path, [("norm", arrays)])

    load_weights(Sequential(layer), path, "w.h5")

    assert [variable.value for variable in layer.weights] == [5.0, 2.0]
    assert layer.finalized_with == 5.0


def test_no_other_array_is_dropped(path: Path) -> None:
    layer = Normalization("norm", mean=(1,), variance=(1,))
    arrays = {"mean:0": np.array([5.0]), "variance:0": np.array([2.0]), "gamma:0": np.array(1.0)}
    legacy_file(path, [("norm", arrays)])

    with pytest.raises(WeightsMismatch):
        load_weights(Sequential(layer), path, "w.h5")
