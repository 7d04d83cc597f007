"""Weights that both eras of Keras write, put into models of both eras."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from service.base.refusals import WeightsMismatch
from service.loading.weights.assignment import WeightOptions, load_weights

pytestmark = pytest.mark.slow

INPUT = np.random.default_rng(1).normal(size=(2, 6, 4)).astype("f4")


@pytest.fixture(params=["keras", "tf_keras"])
def engine(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


def _rich(engine: Any, prefix: str = "") -> Any:
    """Every way in which a layer can hold others."""
    layers = engine.layers
    body = engine.Sequential(
        [
            layers.Dense(4, name=f"{prefix}za"),
            layers.BatchNormalization(name=f"{prefix}mid"),
            layers.Dense(4, name=f"{prefix}ab"),
        ],
        name="body",
    )
    body.build((None, 6, 4))
    inputs = engine.Input((6, 4))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(inputs)
    x = layers.TimeDistributed(layers.Dense(4))(x)
    x = layers.Dense(4)(body(x))
    x = layers.Dropout(0.2)(layers.Dense(4)(x))
    x = layers.GRU(4, return_sequences=True)(x)
    x = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], return_sequences=True)(x)
    x = layers.MultiHeadAttention(2, 2)(x, x)
    x = layers.SeparableConv1D(3, 2)(x)
    x = layers.GlobalAveragePooling1D()(x)
    normalization = layers.Normalization(axis=-1)
    normalization.adapt(INPUT[:, 0, :3])
    return engine.Model(inputs, layers.Dense(2)(normalization(x)))


def _scattered(model: Any) -> Any:
    random = np.random.default_rng(7)
    for variable in model.weights:
        if "int" not in str(variable.dtype):
            variable.assign(random.uniform(0.2, 0.9, variable.shape))
    return model


def _answers(model: Any) -> np.ndarray:
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    return np.asarray(model(INPUT))


def _dense_pair(engine: Any, first: str, second: str) -> Any:
    layers = engine.layers
    model = engine.Sequential(
        [engine.Input((4,)), layers.Dense(4, name=first), layers.Dense(4, name=second)]
    )
    return _scattered(model)


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
@pytest.mark.filterwarnings("ignore")
def test_what_an_engine_wrote_goes_into_its_next_model(
    tmp_path: Path, engine: Any, suffix: str
) -> None:
    """The next model's layers have other numbers: they are built in the same process."""
    written = _scattered(_rich(engine))
    path = tmp_path / f"w{suffix}"
    written.save_weights(path) if suffix != ".h5" else written.save(path)
    model = _rich(engine)

    report = load_weights(model, path, path.name)

    assert report.left_in_file == report.left_in_model == report.ambiguous == ()
    np.testing.assert_allclose(_answers(model), _answers(written), atol=1e-6)


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
@pytest.mark.filterwarnings("ignore")
def test_what_keras_2_wrote_goes_into_keras_3(tmp_path: Path, suffix: str) -> None:
    import keras
    import tf_keras

    written = _scattered(_rich(tf_keras))
    path = tmp_path / f"w{suffix}"
    written.save_weights(path)
    model = _rich(keras)

    load_weights(model, path, path.name)

    np.testing.assert_allclose(_answers(model), _answers(written), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_a_frozen_layer_within_a_nested_model_stands_last(tmp_path: Path, engine: Any) -> None:
    written = _scattered(_rich(engine))
    written.get_layer("body").layers[0].trainable = False
    path = tmp_path / "w.h5"
    written.save(path)
    model = _rich(engine)

    load_weights(model, path, path.name)

    np.testing.assert_allclose(_answers(model), _answers(written), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
def test_exchanged_layers_are_matched_by_name(tmp_path: Path, engine: Any, suffix: str) -> None:
    """Keras itself loads these by order, into the wrong layers, and says nothing."""
    written = _dense_pair(engine, "one", "two")
    path = tmp_path / f"w{suffix}"
    written.save_weights(path) if suffix != ".h5" else written.save(path)
    model = _dense_pair(engine, "two", "one")
    kept_names = suffix == ".h5" or engine.__name__ == "keras"

    report = load_weights(model, path, path.name)

    source, target = ("one", "one") if kept_names else ("one", "two")
    expected = written.get_layer(source).kernel
    assert report.by == ("name" if kept_names else "path")
    assert np.array_equal(model.get_layer(target).kernel, expected)


@pytest.mark.filterwarnings("ignore")
def test_layers_without_a_common_name_are_refused(tmp_path: Path, engine: Any) -> None:
    written = _dense_pair(engine, "one", "two")
    path = tmp_path / "w.h5"
    written.save(path)
    model = _dense_pair(engine, "a", "b")

    with pytest.raises(WeightsMismatch, match="'one', 'two' of the file and 'a', 'b' of the model"):
        load_weights(model, path, path.name)
    assert load_weights(model, path, path.name, WeightOptions("order")).by == "order"


@pytest.mark.filterwarnings("ignore")
def test_inner_layers_without_a_common_name_are_refused(tmp_path: Path, engine: Any) -> None:
    written = _rich(engine)
    path = tmp_path / "w.h5"
    written.save(path)

    with pytest.raises(WeightsMismatch, match="za"):
        load_weights(_rich(engine, prefix="other_"), path, path.name)


@pytest.mark.filterwarnings("ignore")
def test_a_subclassed_model(tmp_path: Path) -> None:
    import keras

    class Pair(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = keras.layers.Dense(3)
            self.decoders = [keras.layers.Dense(3), keras.layers.Dense(3)]

        def call(self, x: Any) -> Any:
            x = self.encoder(x)
            return self.decoders[1](self.decoders[0](x))

    written, model = Pair(), Pair()
    written(INPUT), model(INPUT)
    _scattered(written).save_weights(tmp_path / "w.weights.h5")

    report = load_weights(model, tmp_path / "w.weights.h5", "w.weights.h5")

    assert report.by == "path"
    np.testing.assert_allclose(model(INPUT), written(INPUT), atol=1e-6)


def _sharing(engine: Any) -> Any:
    """A layer that stands in the model and in a model within it."""
    layers = engine.layers
    shared = layers.Dense(4)
    body = engine.Sequential([engine.Input((6, 4)), layers.Dense(4), shared, layers.Dense(4)])
    inputs = engine.Input((6, 4))
    return engine.Model(inputs, layers.Dense(4)(body(shared(inputs))))


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
@pytest.mark.filterwarnings("ignore")
def test_a_layer_that_two_models_share(tmp_path: Path, engine: Any, suffix: str) -> None:
    written = _scattered(_sharing(engine))
    path = tmp_path / f"w{suffix}"
    written.save_weights(path) if suffix != ".h5" else written.save(path)
    model = _sharing(engine)

    load_weights(model, path, path.name)

    np.testing.assert_allclose(_answers(model), _answers(written), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_quantized_weights(tmp_path: Path) -> None:
    import keras

    def make() -> Any:
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(2)])
        model.quantize("int8")
        return model

    written, model = make(), make()
    written.save_weights(tmp_path / "w.weights.h5")

    load_weights(model, tmp_path / "w.weights.h5", "w.weights.h5")

    x = np.ones((2, 8))
    np.testing.assert_allclose(model(x), written(x), atol=1e-6)


def _cudnn_file(path: Path, name: str, gates: int, biases: int) -> Path:
    random = np.random.default_rng(3)
    shapes = {"kernel": (4, gates * 3), "recurrent_kernel": (3, gates * 3), "bias": (biases,)}
    with h5py.File(path, "w") as file:
        file.attrs.update(keras_version="2.2.4", backend="tensorflow", layer_names=[name])
        group = file.create_group(name)
        group.attrs["weight_names"] = [f"{name}/{key}:0" for key in shapes]
        for key, shape in shapes.items():
            group[f"{name}/{key}:0"] = random.normal(size=shape).astype("f4")
    return path


def _recurrent(engine: Any, make: Callable[[Any], Any]) -> Any:
    return engine.Sequential([engine.Input((6, 4)), make(engine.layers)])


@pytest.mark.parametrize(
    ("name", "gates", "biases", "make"),
    [
        ("cu_dnnlstm_1", 4, 24, lambda layers: layers.LSTM(3)),
        ("cu_dnngru_1", 3, 18, lambda layers: layers.GRU(3, reset_after=True)),
    ],
)
def test_cudnn_weights_answer_as_with_keras_2(
    tmp_path: Path, engine: Any, name: str, gates: int, biases: int, make: Callable[[Any], Any]
) -> None:
    import tf_keras

    path = _cudnn_file(tmp_path / "w.h5", name, gates, biases)
    oracle = _recurrent(tf_keras, make)
    oracle.load_weights(path)
    model = _recurrent(engine, make)

    report = load_weights(model, path, path.name)

    assert report.conversions
    np.testing.assert_allclose(_answers(model), _answers(oracle), atol=1e-6)


def test_a_gru_that_resets_before_can_not_take_cudnn_weights(tmp_path: Path, engine: Any) -> None:
    path = _cudnn_file(tmp_path / "w.h5", "cu_dnngru_1", 3, 18)
    model = _recurrent(engine, lambda layers: layers.GRU(3, reset_after=False))

    with pytest.raises(WeightsMismatch, match="reset_after=True"):
        load_weights(model, path, path.name)
