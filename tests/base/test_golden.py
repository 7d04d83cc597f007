"""Golden values: a compiled version answers as it did when it was verified, or not at all."""

import numpy as np
import pytest

from service.base.golden import pack_golden, relative_error, replay
from service.base.refusals import ArtefactCorrupt
from service.base.signature import Signature, Tensors, TensorSpec

SIGNATURE = Signature(
    (TensorSpec("x", "float32", (None, 3)), TensorSpec("words", "string", (None,))),
    (TensorSpec("y", "float32", (None, 3)), TensorSpec("texts", "string", (None,))),
)
X = np.array([[1, 2, 3], [4, 5, 6]], "float32")
WORDS = np.array(["größe", ""], dtype=object)


def _run(inputs: Tensors, factor: float = 2.0) -> Tensors:
    texts = np.array([f"{word}!".encode() for word in inputs["words"]], dtype=object)
    return {"y": inputs["x"] * np.float32(factor), "texts": texts}


def _golden() -> bytes:
    outputs = _run({"x": X, "words": WORDS})
    content = pack_golden([X, WORDS], list(outputs.values()))
    assert content is not None
    return content


def test_the_same_answers_pass() -> None:
    replay(_golden(), SIGNATURE, _run, "model.onnx")


def test_small_differences_pass() -> None:
    replay(_golden(), SIGNATURE, lambda inputs: _run(inputs, 2.0 + 1e-6), "model.onnx")


def test_other_numbers_are_corrupt() -> None:
    with pytest.raises(ArtefactCorrupt, match=r"model.onnx: output 'y' differs by 0.1"):
        replay(_golden(), SIGNATURE, lambda inputs: _run(inputs, 2.2), "model.onnx")


def test_other_texts_are_corrupt() -> None:
    def run(inputs: Tensors) -> Tensors:
        return {**_run(inputs), "texts": WORDS}

    with pytest.raises(ArtefactCorrupt, match="'texts' differs"):
        replay(_golden(), SIGNATURE, run, "model.onnx")


@pytest.mark.parametrize("cut", [0, 1, 50, -10])
def test_damaged_values_are_corrupt(cut: int) -> None:
    with pytest.raises(ArtefactCorrupt, match="golden values can't be read"):
        replay(_golden()[:cut], SIGNATURE, _run, "model.onnx")


def test_a_pickle_is_never_read() -> None:
    import io

    stream = io.BytesIO()
    np.savez(stream, x_0=np.array([{"a": 1}], dtype=object))

    with pytest.raises(ArtefactCorrupt, match="golden values can't be read"):
        replay(stream.getvalue(), SIGNATURE, _run, "model.onnx")


def test_values_too_large_are_not_kept() -> None:
    assert pack_golden([np.zeros(10 * 1024**2, "float64")], []) is None


@pytest.mark.parametrize(
    ("want", "have", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, -4.0], [1.0, -4.4], 0.1),
        ([1e-9, 0.0], [1e-6, 0.0], (1e-6 - 1e-9) / 1e-3),  # all but zero: over the smallest scale
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.nan, 1.0], [1.0, 1.0], float("inf")),
        ([np.inf, 1.0], [-np.inf, 1.0], float("inf")),
        ([1.0], [1.0, 2.0], float("inf")),
        ([], [], 0.0),
    ],
)
def test_relative_error(want: list[float], have: list[float], expected: float) -> None:
    error = relative_error(np.asarray(want, "float64"), np.asarray(have, "float64"))

    assert error == pytest.approx(expected)
