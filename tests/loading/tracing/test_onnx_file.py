"""When a converted model counts as the same, and when it doesn't."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.base.signature import Signature, Tensors, TensorSpec

pytestmark = pytest.mark.slow

SIGNATURE = Signature(
    (TensorSpec("x", "float32", (None, None)),), (TensorSpec("y", "float32", (None, None)),)
)


def _double(inputs: Tensors) -> list[Any]:
    return [inputs["x"] * 2]


def _off_by(factor: float) -> Callable[[Tensors], list[Any]]:
    return lambda inputs: [inputs["x"] * 2 * factor]


def _of_one_length(inputs: Tensors) -> list[Any]:
    return [inputs["x"][:, :5] * 2]  # as if the free axis had been fixed by the conversion


def _not_a_number(inputs: Tensors) -> list[Any]:
    return [inputs["x"] * np.nan]


def test_the_same_answers_are_verified_with_the_error_they_have() -> None:
    from service.loading.tracing.onnx_file import verify

    assert verify(_double, _double, SIGNATURE) == 0.0
    assert 0 < verify(_double, _off_by(1.00001), SIGNATURE) < 2e-5


@pytest.mark.parametrize("candidate", [_off_by(1.001), _of_one_length, _not_a_number])
def test_other_answers_are_refused_with_the_output_named(
    candidate: Callable[[Tensors], list[Any]],
) -> None:
    from service.loading.tracing.onnx_file import ConversionFailed, verify

    with pytest.raises(ConversionFailed, match="output 'y' differs"):
        verify(_double, candidate, SIGNATURE)
