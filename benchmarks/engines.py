"""The floor under every server: ONNX Runtime and TensorFlow called in a loop, without HTTP.

Run as a child process, `python -m benchmarks.engines ENGINE MODEL FOLDER SECONDS`; it writes a JSON
list with one object a number of rows.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks import models, process
from benchmarks.models import Model
from benchmarks.samples import Rows, Samples, read_samples
from benchmarks.workloads import loops

NAMES = ("onnxruntime", "tensorflow")
TOLERANCE = 1e-4
CALLS_A_LOOK = 16

Engine = Callable[[Rows], Rows]


@dataclass(frozen=True, slots=True)
class Loop:
    """What one loop of calls came to; processor time is that of all threads."""

    rows: int
    calls_per_s: float
    cpu_us: float
    resident_mb: float


def onnxruntime(model: Model, top: Path) -> Engine:
    """The ONNX twin in a session of one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path, providers = str(model.onnx_file(top)), ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(path, options, providers=providers)
    name = session.get_inputs()[0].name

    def call(rows: Rows) -> Rows:
        return np.asarray(session.run(None, {name: rows})[0])

    return call


def tensorflow(model: Model, top: Path) -> Engine:
    """The Keras file as one concrete function of one thread, TensorFlow's cheapest call."""
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    loaded = keras.models.load_model(model.keras_file(top), compile=False)
    signature = [tf.TensorSpec((None, *model.shape), tf.float32)]
    traced = tf.function(lambda rows: loaded(rows, training=False), input_signature=signature)
    concrete = traced.get_concrete_function()

    def call(rows: Rows) -> Rows:
        return np.asarray(concrete(tf.constant(rows)))

    return call


def check(engine: Engine, samples: Samples) -> None:
    """Fail where the engine does not say what Keras says."""
    worst = float(np.abs(engine(samples.rows) - samples.truth).max())
    if not worst <= TOLERANCE:
        raise SystemExit(f"wrong answers: up to {worst:.2g} from those of Keras")


def loop(engine: Engine, rows: Rows, seconds: float) -> Loop:
    """Call for so many seconds, after a tenth of that to warm up."""
    _call_until(engine, rows, time.perf_counter() + seconds / 10)
    began, used = time.perf_counter(), time.process_time()
    calls = _call_until(engine, rows, began + seconds)
    used, took = time.process_time() - used, time.perf_counter() - began
    return Loop(len(rows), calls / took, used * 1e6 / calls, process.resident_mb(os.getpid()))


def _call_until(engine: Engine, rows: Rows, deadline: float) -> int:
    calls = 0
    while time.perf_counter() < deadline:
        for _ in range(CALLS_A_LOOK):  # so that looking at the clock costs next to nothing
            engine(rows)
        calls += CALLS_A_LOOK
    return calls


def main(name: str, model: Model, top: Path, seconds: float) -> None:
    """Check one engine, run its loops, write what they came to."""
    engine = {"onnxruntime": onnxruntime, "tensorflow": tensorflow}[name](model, top)
    samples = read_samples(model, top)
    check(engine, samples)
    found = [loop(engine, samples.rows[:rows], seconds) for rows in loops(model)]
    print(json.dumps([asdict(each) for each in found]))


if __name__ == "__main__":
    main(sys.argv[1], models.named(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
