"""Memory of ended versions goes back, and the kernel gets it."""

import hashlib
import itertools
import threading
import weakref
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from service.base.compiled import ONNX_FILE
from service.base.resident import used_bytes
from service.base.signature import Signature, TensorSpec
from service.runtime.disposal import Disposal
from service.runtime.onnx import OnnxVersion
from tests.runtime import models

LAYERS = 8
SWAPS = 25
GIVEN_BACK = 30 * 1024**2


class Held:
    """Something that takes memory."""


def test_all_that_was_added_is_called_forgotten_and_trimmed_in_another_thread() -> None:
    trims: list[int] = []
    threads: list[int] = []
    disposal = Disposal(lambda: trims.append(len(threads)))
    kept = [Held(), Held()]
    gone = [weakref.ref(held) for held in kept]

    def dispose_of(held: Held) -> None:
        disposal.add(lambda: threads.append(threading.get_ident() * bool(held)))

    while kept:
        dispose_of(kept.pop())
    disposal.close()

    assert len(threads) == 2
    assert threading.get_ident() not in threads
    assert trims[-1] == 2
    assert [each() for each in gone] == [None, None]


def test_a_failure_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    done: list[bool] = []
    disposal = Disposal()
    disposal.add(lambda: [].clear(1))  # type: ignore[call-arg]
    disposal.add(lambda: done.append(True))
    disposal.close()
    assert done == [True]
    assert "disposal failed" in caplog.text


def test_without_anything_there_is_no_thread() -> None:
    before = threading.active_count()
    Disposal().close()
    assert threading.active_count() == before


@pytest.mark.parametrize("inner", [2, None])
def test_a_session_goes_with_its_version(tmp_path: Path, inner: int | None) -> None:
    disposal = Disposal()
    compiled = models.summing(tmp_path, inner)
    version = OnnxVersion(tmp_path, compiled, disposal=disposal)
    rows = np.ones((3, 2), np.float32)
    assert version.run({"x": rows})["y"].tolist() == [[2.0]] * 3
    version.close()
    disposal.close()
    assert version._session is None


@pytest.mark.slow
def test_many_swaps_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    """Convolutions over images: more memory for the runs than for the weights."""
    spec = TensorSpec("x", "float32", (None, 32, 56, 56))
    weights = np.full((32, 32, 3, 3), 0.01, np.float32)
    names = ["x", *(f"t{number}" for number in range(LAYERS - 1)), "y"]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", [before, f"w{number}"], [after], pads=[1, 1, 1, 1])
            for number, (before, after) in enumerate(itertools.pairwise(names))
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 32, 56, 56])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 32, 56, 56])],
        [numpy_helper.from_array(weights, f"w{number}") for number in range(LAYERS)],
    )
    onnx.save(helper.make_model(graph, opset_imports=models.OPSET, ir_version=9),
              tmp_path / ONNX_FILE)  # fmt: skip
    digest = hashlib.sha256((tmp_path / ONNX_FILE).read_bytes()).hexdigest()
    signature = Signature((spec,), (TensorSpec("y", "float32", spec.shape),))
    compiled = models.record(signature, {ONNX_FILE: digest})
    disposal = Disposal()
    version = OnnxVersion(tmp_path, compiled, disposal=disposal)
    taken = []

    for number in range(SWAPS):
        replaced, version = version, OnnxVersion(tmp_path, compiled, disposal=disposal)
        replaced.close()
        while disposal.count <= number:
            pass
        taken.append(used_bytes())

    # How the pieces come to lie in memory is another way each time, and so is what is between them.
    assert min(taken[-5:]) < max(taken[:5]) * 1.05
    version.close()
    disposal.close()
    # As bytes, for other tests have left theirs in this process.
    assert min(taken) - used_bytes() > GIVEN_BACK, "the last one's, too, is given back"
