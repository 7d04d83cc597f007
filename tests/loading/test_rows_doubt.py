"""Compiled models whose rows look at one another are recorded as such; the usual ones aren't."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.base.compiled import Compiled, digest_file, read_compiled
from service.loading.compiling import NO_GRAPH, Sources, compile_version

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]


def _compiled(model: Any, folder: Path) -> Compiled:
    path = folder / "model.keras"
    model.save(path)
    sources = Sources({path.name: path}, {path.name: digest_file(path)}, "key")
    _, compiled = compile_version(sources, folder / "compiled", lambda stage: None)
    assert read_compiled(folder / "compiled") == compiled
    return compiled


def _hidden_mean(ops: Any, x: Any) -> Any:
    return ops.concatenate([1e6 * x, x - ops.mean(x, axis=0, keepdims=True)], axis=1)


def _far_off(ops: Any, x: Any) -> Any:
    return x - ops.relu(ops.mean(x, axis=0, keepdims=True) - 20.0)


def _tiny(ops: Any, x: Any) -> Any:
    return ops.sigmoid(x - ops.max(x, axis=0, keepdims=True) * 0.01 - 20)


def _rolled(ops: Any, x: Any) -> Any:
    other = ops.mean(ops.roll(x, 1, axis=0), axis=-1, keepdims=True)
    return x - ops.relu(other - 5.0)


def _softmax(ops: Any, x: Any) -> Any:
    return ops.softmax(x, axis=0)


def _alike(ops: Any, x: Any) -> Any:
    return ops.matmul(ops.matmul(x, ops.transpose(x)), x)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (_hidden_mean, "ReduceMean .* runs over the rows"),
        (_far_off, "ReduceMean .* runs over the rows"),
        (_tiny, "ReduceMax .* runs over the rows"),
        (_rolled, "Slice .* takes some of the rows"),
        (_softmax, "Softmax .* runs over the rows"),
        (_alike, "MatMul .* multiplies rows by rows"),
    ],
)
def test_rows_that_look_at_one_another(
    tmp_path: Path, function: Callable[[Any, Any], Any], why: str
) -> None:
    import keras

    x = keras.Input((3,), name="x")
    compiled = _compiled(keras.Model(x, function(keras.ops, x)), tmp_path)
    assert compiled.runtime == "onnx"
    assert re.match(why, compiled.rows_doubt)


def _perceptron(layers: Any) -> list[Any]:
    return [layers.Input((4,)), layers.Dense(3, "relu"), layers.BatchNormalization()]


def _images(layers: Any) -> list[Any]:
    return [
        layers.Input((None, None, 3)),
        layers.Conv2D(2, 3, padding="same"),
        layers.MaxPooling2D(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2, "softmax"),
    ]


def _words(layers: Any) -> list[Any]:
    return [
        layers.Input((6,), dtype="int32"),
        layers.Embedding(9, 4, mask_zero=True),
        layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
        layers.GRU(3),
        layers.Reshape((3, 1)),
        layers.Flatten(),
    ]


def _films(layers: Any) -> list[Any]:
    return [
        layers.Input((4, 8, 8, 1)),
        layers.TimeDistributed(layers.Conv2D(2, 3)),
        layers.TimeDistributed(layers.Flatten()),
        layers.SimpleRNN(2, unroll=True),
    ]


@pytest.mark.parametrize("stack", [_perceptron, _images, _words, _films])
def test_the_usual_layers_keep_rows_apart(
    tmp_path: Path, stack: Callable[[Any], list[Any]]
) -> None:
    import keras

    compiled = _compiled(keras.Sequential(stack(keras.layers)), tmp_path)
    assert (compiled.runtime, compiled.rows_doubt) == ("onnx", "")


@pytest.mark.parametrize("length", [5, None])
def test_attention_keeps_rows_apart(tmp_path: Path, length: int | None) -> None:
    import keras

    x = keras.Input((length, 4))
    y = keras.layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    compiled = _compiled(keras.Model(x, keras.layers.LayerNormalization()(x + y)), tmp_path)
    assert (compiled.runtime, compiled.rows_doubt) == ("onnx", "")


def test_what_tensorflow_runs_is_in_doubt(tmp_path: Path) -> None:
    import keras

    words = keras.layers.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=4)
    model = keras.Sequential(
        [keras.Input((1,), dtype="string"), words, keras.layers.Embedding(4, 2)]
    )
    compiled = _compiled(model, tmp_path)
    assert (compiled.runtime, compiled.rows_doubt) == ("tensorflow", NO_GRAPH)
