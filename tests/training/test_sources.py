"""Versions that are served, and whether they can answer the same rows."""

from pathlib import Path

import pytest

from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.training.judging.answers import question_of
from service.training.sources import Served


def served(*shapes: tuple[int | None, ...], dtype: str = "float32", labels: str = "") -> Served:
    inputs = [TensorSpec(f"x{n}", dtype, (None, *shape)) for n, shape in enumerate(shapes)]
    output = TensorSpec("y", "float32", (None, 3), activation="softmax")
    signature = Signature(tuple(inputs), (output,))
    question = question_of(ModelConfig(labels=tuple(labels)), signature, "m")
    return Served(1, Path(), signature, question, None)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (served((4,)), ""),
        (served((None,)), ""),
        (served((4,), labels="abc"), ""),
        (served((5,)), "it takes other inputs"),
        (served((4, 1)), "it takes other inputs"),
        (served((4,), (4,)), "it takes other inputs"),
        (served((4,), dtype="int32"), "it takes other inputs"),
    ],
    ids=["same", "free", "named", "width", "axes", "count", "dtype"],
)
def test_versions_that_take_other_inputs_are_evaluated_apart(other: Served, why: str) -> None:
    assert other.differs_from(served((4,))) == why


def test_versions_with_other_names_answer_another_question() -> None:
    assert served((4,), labels="abc").differs_from(served((4,), labels="cba")) == (
        "it answers another question"
    )
