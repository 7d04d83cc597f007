"""SavedModels of every origin, run, converted and exported as what TensorFlow made of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from service.base.refusals import FileUnsafe, ModelUnsupported
from service.base.signature import Tensors
from service.loading.allow_list.graph_operations import COMPUTE, SAVER
from service.loading.files.protobufs import parse
from service.loading.saved_model.inspection import inspect_saved_model
from tests.loading.handmade_tensorflow import files_of

pytestmark = pytest.mark.slow

Write = Callable[[Path], tuple[Tensors, list[np.ndarray]]]
FLOATS = np.linspace(-2, 2, 12, dtype="float32").reshape(3, 4)
WORDS = np.array([b"b", b"a", b"never seen"], dtype=object)


def _trace(folder: Path, signature: str = "") -> Any:
    from service.loading.saved_model.trace import TracedSavedModel

    files = files_of(folder)
    return TracedSavedModel(inspect_saved_model(files, signature), files)


def _vocabulary(folder: Path) -> str:
    path = folder.with_suffix(".txt")
    path.write_text("a\nb\n")
    return str(path)


def tensorflow_module(folder: Path) -> tuple[Tensors, list[np.ndarray]]:
    """Two inputs and three outputs, whose names are not in the order of the function."""
    import tensorflow as tf

    weights = np.arange(8, dtype="float32").reshape(4, 2) / 8

    class Module(tf.Module):
        def __init__(self) -> None:
            self.weights = tf.Variable(weights)

        @tf.function  # type: ignore[untyped-decorator]
        def serve(self, x: Any, index: Any) -> Any:
            scores = x @ self.weights
            return {"p": tf.nn.softmax(scores), "double": index * 2, "a": scores}

    module = Module()
    x, index = tf.TensorSpec((None, 4), tf.float32), tf.TensorSpec((None,), tf.int64)
    served = module.serve.get_concrete_function(x=x, index=index)
    tf.saved_model.save(module, str(folder), signatures=served)
    scores = FLOATS @ weights
    powers = np.exp(scores - scores.max(1, keepdims=True))
    expected = [scores, np.array([0, 6, 2]), powers / powers.sum(1, keepdims=True)]
    return {"x": FLOATS, "index": np.array([0, 3, 1], "int64")}, expected


def keras_3_export(folder: Path) -> tuple[Tensors, list[np.ndarray]]:
    import keras

    layers = [keras.Input((4,), name="features"), keras.layers.Dense(2, activation="sigmoid")]
    model = keras.Sequential(layers)
    model.export(folder, verbose=False)
    return {"features": FLOATS}, [np.asarray(model(FLOATS))]


def keras_2_trained(folder: Path) -> tuple[Tensors, list[np.ndarray]]:
    """With an optimizer and its slots, metrics, and the functions of its training."""
    import tf_keras

    layers = [
        tf_keras.layers.Reshape((4, 1), input_shape=(4,), name="first"),
        tf_keras.layers.LSTM(3),
        tf_keras.layers.BatchNormalization(),
        tf_keras.layers.Dense(2, name="last"),
    ]
    model = tf_keras.Sequential(layers)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(FLOATS, FLOATS[:, :2], verbose=0)
    model.save(folder, save_format="tf")
    return {"first_input": FLOATS}, [model.predict(FLOATS, verbose=0)]


def old_partitioned(folder: Path) -> tuple[Tensors, list[np.ndarray]]:
    """TensorFlow 1, variables in parts, and names that Python couldn't give to arguments."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, (None, 4))
        with v1.variable_scope("layer", partitioner=v1.fixed_size_partitioner(2)):
            y = tf.matmul(x, tf.convert_to_tensor(v1.get_variable("w", (4, 2))))
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(folder), {"in": x}, {"a/b-c": y})
        return {"in": FLOATS}, [session.run(y, {x: FLOATS})]


def old_references(folder: Path) -> tuple[Tensors, list[np.ndarray]]:
    """TensorFlow 1, reference variables; several signatures, as an Estimator has them."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, (None, 4))
        y = tf.nn.sigmoid(tf.matmul(x, v1.get_variable("w", (4, 2), use_resource=False)))
        v1.summary.histogram("y", y)
        session.run(v1.global_variables_initializer())
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        named = {"predict": signature, "serving_default": signature}
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], named)
        builder.save()
        return {"x": FLOATS}, [session.run(y, {x: FLOATS})]


def words_module(folder: Path) -> tuple[Tensors, list[np.ndarray]]:
    """A table filled from an asset."""
    import tensorflow as tf

    lookup = tf.lookup

    class Module(tf.Module):
        def __init__(self) -> None:
            self.path = tf.saved_model.Asset(_vocabulary(folder))
            file = lookup.TextFileInitializer(
                self.path, tf.string, lookup.TextFileIndex.WHOLE_LINE, tf.int64,
                lookup.TextFileIndex.LINE_NUMBER,
            )  # fmt: skip
            self.table = lookup.StaticHashTable(file, -1)

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])  # type: ignore[untyped-decorator]
        def serve(self, words: Any) -> Any:
            return {"index": self.table.lookup(words), "upper": tf.strings.upper(words)}

    module = Module()
    tf.saved_model.save(module, str(folder), signatures=module.serve)
    return {"words": WORDS}, [np.array([1, 0, -1]), np.array([b"B", b"A", b"NEVER SEEN"], object)]


def old_words(folder: Path) -> tuple[Tensors, list[np.ndarray]]:
    """TensorFlow 1, a reference variable and a table that the graph fills from an asset."""
    import tensorflow as tf

    v1, lookup = tf.compat.v1, tf.lookup
    with tf.Graph().as_default(), v1.Session() as session:
        words = v1.placeholder(tf.string, (None,))
        file = lookup.TextFileInitializer(
            _vocabulary(folder), tf.string, lookup.TextFileIndex.WHOLE_LINE, tf.int64,
            lookup.TextFileIndex.LINE_NUMBER,
        )  # fmt: skip
        offset = v1.get_variable("offset", initializer=np.int64(40), use_resource=False)
        y = lookup.StaticHashTable(file, -1).lookup(words) + offset
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        signature = v1.saved_model.predict_signature_def({"words": words}, {"y": y})
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
        builder.save()
    return {"words": WORDS}, [np.array([41, 40, 39])]


NUMBERS = [tensorflow_module, keras_3_export, keras_2_trained, old_partitioned, old_references]


@pytest.mark.parametrize("write", NUMBERS)
def test_is_converted_and_answers_alike(tmp_path: Path, write: Write) -> None:
    from service.loading.tracing.onnx_file import convert

    inputs, expected = write(tmp_path / "m")

    traced = _trace(tmp_path / "m")
    converted = convert(traced)

    session = onnxruntime.InferenceSession(converted.onnx, providers=["CPUExecutionProvider"])
    names = [spec.name for spec in traced.signature.outputs]
    for answers in (traced.run(inputs), session.run(names, inputs)):
        for got, want in zip(answers, expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("write", [words_module, old_words, tensorflow_module, old_references])
def test_is_exported_for_tensorflow_with_its_tables(tmp_path: Path, write: Write) -> None:
    import tensorflow as tf

    inputs, expected = write(tmp_path / "m")
    _trace(tmp_path / "m").export(tmp_path / "out")
    for path in (tmp_path / "m").glob("assets/*"):
        path.unlink()  # the export has its own
    (tmp_path / "m.txt").unlink(missing_ok=True)

    loaded = tf.saved_model.load(str(tmp_path / "out"))
    got = tf.nest.flatten(loaded.serve(*(tf.constant(inputs[name]) for name in sorted(inputs))))

    for mine, theirs in zip(got, expected, strict=True):
        if theirs.dtype == object:
            np.testing.assert_array_equal(mine.numpy(), theirs)
        else:
            np.testing.assert_allclose(mine.numpy(), theirs, rtol=1e-5, atol=1e-6)


def test_outputs_know_their_activation(tmp_path: Path) -> None:
    tensorflow_module(tmp_path / "m")

    outputs = _trace(tmp_path / "m").signature.outputs

    assert [(spec.name, spec.activation) for spec in outputs] == [
        ("a", ""),
        ("double", ""),
        ("p", "softmax"),
    ]


def test_a_fixed_batch_stays_fixed(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.serve = tf.function(lambda x: x + 1, input_signature=[tf.TensorSpec((3, 2))])
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.serve)

    traced = _trace(tmp_path / "m")

    assert traced.signature.inputs[0].shape == (3, 2)
    assert traced.run({"x": np.zeros((3, 2), "float32")})[0].tolist() == [[1, 1]] * 3


def test_a_signature_that_the_file_misstates_is_refused(tmp_path: Path) -> None:
    words_module(tmp_path / "m")
    path = tmp_path / "m/saved_model.pb"
    message = parse("SavedModel", path.read_bytes())
    for entry in message.meta_graphs[0].signature_def:
        for output in entry.value.outputs:
            output.value.dtype = 1
    path.write_bytes(message.SerializeToString())

    with pytest.raises(ModelUnsupported, match="isn't what the file says"):
        _trace(tmp_path / "m")


def test_a_hazard_never_reaches_tensorflow(tmp_path: Path) -> None:
    import tensorflow as tf

    marker = tmp_path / "written"
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec((None, 1))])  # type: ignore[untyped-decorator]
    def serve(x: Any) -> Any:
        tf.io.write_file(str(marker), "x")
        return x

    module.serve = serve
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=serve)

    with pytest.raises(FileUnsafe, match="WriteFile"):
        _trace(tmp_path / "m")
    assert not marker.exists()


def test_the_list_names_operations_that_there_are() -> None:
    from tensorflow.python.framework import op_def_registry

    unknown = {name for name in COMPUTE | SAVER if op_def_registry.get(name) is None}

    assert unknown == set()
