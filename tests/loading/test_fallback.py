"""Files that Keras 3 can't build are built by tf_keras, in a process that becomes its own."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.compiled import digest_file, read_compiled
from service.base.confinement import Limits
from service.base.load_options import LoadOptions
from service.base.settings import bare_environment
from service.runtime.onnx import OnnxVersion

pytestmark = pytest.mark.slow

LIMITS = Limits(address_space=8 << 30, cpu_s=120, file_size=1 << 30)
# Written for tf.keras 2: Keras 3 has neither K.in_train_phase nor shapes with as_list().
CLASSES = """
from tensorflow.keras import backend as K
from tensorflow.keras.layers import Layer

class Shift(Layer):
    def __init__(self, by=1.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by
    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=[input_shape.as_list()[-1]])
        super().build(input_shape)
    def call(self, inputs):
        return K.in_train_phase(inputs, inputs * self.scale + self.by)
    def get_config(self):
        return {**super().get_config(), "by": self.by}
"""
# In a process of its own: it wants tf_keras to be TensorFlow's Keras.
WRITER = """
import sys
import numpy as np
import tensorflow as tf
from old_classes import Shift
keras = tf.keras
inputs = keras.Input((4,))
outputs = keras.layers.Dense(2, activation="softmax")(Shift(by=0.5, name="shift")(inputs))
model = keras.Model(inputs, outputs)
random = np.random.default_rng(1)
model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
model.save(sys.argv[1])
x = np.random.default_rng(9).normal(size=(5, 4)).astype("float32")
np.savez(sys.argv[2], x=x, y=model(x).numpy())
"""


def _write_model(folder: Path) -> tuple[Path, Path]:
    (folder / "classes").mkdir()
    (folder / "classes" / "old_classes.py").write_text(CLASSES)
    model, values = folder / "model.h5", folder / "values.npz"
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": str(folder / "classes")}
    subprocess.run(
        [sys.executable, "-c", WRITER, str(model), str(values)], env=environment, check=True,
        capture_output=True,
    )  # fmt: skip
    return model, values


def _compile(path: Path, work: Path, options: LoadOptions) -> dict[str, Any]:
    work.mkdir()
    task = {
        "kind": "compile",
        "files": {path.name: str(path)},
        "digests": {path.name: digest_file(path)},
        "key": "key",
        "options": options.as_json(),
        "limits": asdict(LIMITS),
        "parent": os.getpid(),
    }
    (work / "task.json").write_text(json.dumps(task))
    subprocess.run(
        [sys.executable, "-P", "-m", "service.loading.child", str(work)],
        env=bare_environment(work), check=True, capture_output=True,
    )  # fmt: skip
    result: dict[str, Any] = json.loads((work / "result.json").read_bytes())
    return result


def test_classes_written_for_keras_2_work_by_the_fallback(tmp_path: Path) -> None:
    path, values = _write_model(tmp_path)
    options = LoadOptions(
        custom_objects=("old_classes",), custom_objects_path=(str(tmp_path / "classes"),)
    )

    result = _compile(path, tmp_path / "work", options)

    assert result["ok"], result
    compiled = read_compiled(tmp_path / "work" / "compiled")
    assert (compiled.engine, compiled.runtime) == ("tf_keras", "onnx")
    assert compiled.notes[0].startswith("built by tf_keras; Keras 3 said: ")
    version = OnnxVersion(tmp_path / "work" / "compiled", compiled)
    with np.load(values) as expected:
        (name,) = (spec.name for spec in compiled.signature.inputs)
        (got,) = version.run({name: expected["x"]}).values()
        np.testing.assert_allclose(got, expected["y"], rtol=1e-5, atol=1e-6)


def test_without_the_classes_the_file_is_refused_by_name_and_at_once(tmp_path: Path) -> None:
    path, _ = _write_model(tmp_path)

    result = _compile(path, tmp_path / "work", LoadOptions())

    assert (result["ok"], result["code"]) == (False, "classes_missing")
    assert "Shift" in result["message"]
    assert "custom_objects" in result["message"]
