"""Checkpoints of TensorFlow as weights files: by the graph of objects, or by names alone."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.refusals import WeightsMismatch
from service.loading.weights.assignment import WeightOptions, load_weights
from service.loading.weights.checkpoint import read_checkpoint_source

pytestmark = pytest.mark.slow

INPUT = np.random.default_rng(1).normal(size=(2, 6, 4)).astype("f4")


@pytest.fixture(params=["keras", "tf_keras"])
def engine(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


def _scattered(model: Any) -> Any:
    random = np.random.default_rng(7)
    for variable in model.weights:
        variable.assign(random.uniform(0.2, 0.9, variable.shape))
    return model


def _rich(engine: Any) -> Any:
    layers = engine.layers
    inner = [layers.Dense(4, name="za"), layers.BatchNormalization(), layers.Dense(4, name="ab")]
    body = engine.Sequential(inner, name="body")
    body.build((None, 6, 4))
    inputs = engine.Input((6, 4))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(inputs)
    x = layers.TimeDistributed(layers.Dense(4))(x)
    x = layers.Dropout(0.2)(layers.Dense(4)(body(x)))
    x = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], return_sequences=True)(x)
    x = layers.MultiHeadAttention(2, 2)(x, x)
    return engine.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


def _pair(engine: Any, first: str, second: str) -> Any:
    layers = engine.layers
    return engine.Sequential(
        [engine.Input((4,)), layers.Dense(4, name=first), layers.Dense(4, name=second)]
    )


def _of_keras_2(make: Callable[[Any], Any], path: Path) -> Any:
    import tf_keras

    model = _scattered(make(tf_keras))
    model.save_weights(path)
    return model


def test_a_checkpoint_of_keras_2_goes_into_either_engine(tmp_path: Path, engine: Any) -> None:
    written = _of_keras_2(_rich, tmp_path / "cp.ckpt")
    model = _rich(engine)

    report = load_weights(model, tmp_path / "cp.ckpt.index", "cp.ckpt.index")

    assert report.left_in_file == report.left_in_model == ()
    np.testing.assert_allclose(np.asarray(model(INPUT)), np.asarray(written(INPUT)), atol=1e-6)


def test_exchanged_layers_are_matched_by_name(tmp_path: Path, engine: Any) -> None:
    written = _of_keras_2(lambda each: _pair(each, "one", "two"), tmp_path / "cp.ckpt")
    model = _pair(engine, "two", "one")

    report = load_weights(model, tmp_path / "cp.ckpt.index", "cp.ckpt.index")

    assert report.by == "name"
    assert np.array_equal(model.get_layer("one").kernel, written.get_layer("one").kernel)


def test_a_missing_layer_is_refused_by_name(tmp_path: Path, engine: Any) -> None:
    _of_keras_2(lambda each: _pair(each, "one", "two"), tmp_path / "cp.ckpt")
    model = _rich(engine)

    with pytest.raises(WeightsMismatch):
        load_weights(model, tmp_path / "cp.ckpt.index", "cp.ckpt.index")


def test_fit_takes_the_layers_of_equal_names(tmp_path: Path, engine: Any) -> None:
    written = _of_keras_2(lambda each: _pair(each, "one", "two"), tmp_path / "cp.ckpt")
    model = _pair(engine, "one", "new")

    report = load_weights(model, tmp_path / "cp.ckpt.index", "cp.ckpt.index", WeightOptions("fit"))

    assert report.matched == (("one", "one"),)
    assert report.left_in_model == ("new",)
    assert np.array_equal(model.get_layer("one").kernel, written.get_layer("one").kernel)


def test_the_state_of_an_optimizer_is_left(tmp_path: Path, engine: Any) -> None:
    import tensorflow as tf
    import tf_keras

    written = _scattered(_pair(tf_keras, "one", "two"))
    written.compile(tf_keras.optimizers.Adam(), "mse")
    written.fit(np.ones((4, 4)), np.ones((4, 4)), verbose=0)
    tf.train.Checkpoint(model=written, optimizer=written.optimizer).write(tmp_path / "cp")
    model = _pair(engine, "one", "two")

    report = load_weights(model, tmp_path / "cp.index", "cp.index")

    assert "optimizer" in report.ignored
    assert np.array_equal(model.get_layer("two").kernel, written.get_layer("two").kernel)


def test_a_saver_of_tensorflow_1_knows_names_only(tmp_path: Path, engine: Any) -> None:
    """In the order of the alphabet, which says nothing about the order of layers."""
    import tensorflow as tf

    random = np.random.default_rng(5)
    values = {
        f"{layer}/{key}": random.normal(size=shape).astype("f4")
        for layer in ("two", "one")
        for key, shape in (("kernel", (4, 4)), ("bias", (4,)))
    }
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in values.items():
            tf.compat.v1.get_variable(name, initializer=value)
            tf.compat.v1.get_variable(f"{name}/Adam", initializer=value * 0)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "cp"))
    model = _pair(engine, "two", "one")

    report = load_weights(model, tmp_path / "cp.index", "cp.index")

    assert report.by == "name"
    assert np.array_equal(model.get_layer("one").kernel, values["one/kernel"])
    with pytest.raises(WeightsMismatch):
        load_weights(_pair(engine, "a", "b"), tmp_path / "cp.index", "cp.index")


def test_the_source_is_a_tree_of_layers_with_names(tmp_path: Path) -> None:
    _of_keras_2(_rich, tmp_path / "cp.ckpt")

    source = read_checkpoint_source(tmp_path / "cp.ckpt.index", "cp.ckpt.index")

    (layers,) = source.root.inner
    names = [layer.name for layer in layers.inner]
    assert names[0].startswith("bidirectional")
    assert names[1].startswith("time_distributed")
    assert [layer.name for layer in layers.inner[2].inner[0].inner][::2] == ["za", "ab"]
