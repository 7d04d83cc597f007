"""Which of a version's answers a label can be compared with, and as which bytes."""

import numpy as np
import pytest

from service.base.signature import STRING, Signature, TensorSpec
from service.quality.predicted import FULL_SCORE, Kind, Prediction, Shape, read_sets
from service.repository.decisions import maker
from service.repository.model_config import ModelConfig
from service.web.quality.answer_shape import NOTHING, packer

PLAIN = ModelConfig()
REGRESSION = ModelConfig(task="regression")
CLASSES, VALUES, SETS = Kind.CLASSES, Kind.VALUES, Kind.SETS


def giving(*shape: int | None, dtype: str = "float32", activation: str = "") -> Signature:
    axes = (None, *shape)
    output = TensorSpec("y", dtype, axes, activation=activation)
    return Signature((TensorSpec("x", "float32", (None, 3)),), (output,))


@pytest.mark.parametrize(
    ("signature", "config", "shape"),
    [
        (giving(3, activation="softmax"), PLAIN, Shape(CLASSES, 3)),
        (giving(3), ModelConfig(labels=("a", "b", "c")), Shape(CLASSES, 3)),
        (giving(1, activation="sigmoid"), PLAIN, Shape(CLASSES, 2)),
        (giving(activation="sigmoid"), PLAIN, Shape(CLASSES, 2)),
        (giving(1), ModelConfig(task="binary"), Shape(CLASSES, 2)),
        (giving(1), PLAIN, Shape(VALUES, 1)),
        (giving(), PLAIN, Shape(VALUES, 1)),
        (giving(1, dtype="int64"), PLAIN, Shape(VALUES, 1)),
        (giving(12, 2), PLAIN, Shape(VALUES, 24)),
        (giving(25), PLAIN, NOTHING),
        (giving(3, activation="softmax"), REGRESSION, Shape(VALUES, 3)),
        (giving(1, activation="sigmoid"), REGRESSION, Shape(VALUES, 1)),
        (giving(5, activation="sigmoid"), PLAIN, Shape(SETS, 5)),
        (giving(768, activation="sigmoid"), PLAIN, Shape(SETS, 768)),
        (giving(769, activation="sigmoid"), PLAIN, NOTHING),
        (giving(5, 5, activation="sigmoid"), PLAIN, NOTHING),
        (giving(4, 3, activation="softmax"), PLAIN, NOTHING),
        (giving(None), PLAIN, NOTHING),
        (giving(0), PLAIN, NOTHING),
        (giving(2, dtype="bool"), PLAIN, NOTHING),
        (giving(1, dtype=STRING), PLAIN, NOTHING),
        (giving(70_000, activation="softmax"), PLAIN, NOTHING),
    ],
)
def test_the_shape_follows_from_what_is_decided(
    signature: Signature, config: ModelConfig, shape: Shape
) -> None:
    assert packer(config, signature).shape == shape


def rows_of(values: np.ndarray, signature: Signature, config: ModelConfig = PLAIN) -> Prediction:
    """What is packed of these outputs."""
    pack, decide = packer(config, signature), maker(config, signature)
    content = pack.pack({"y": values}, None if decide is None else decide(values))
    return Prediction(b"i" * 16, 1, 0, pack.shape, len(values), content)


def test_of_classes_it_is_the_chosen_one_and_its_probability() -> None:
    values = np.array([[0.1, 0.7, 0.2], [1, 0, 0]], np.float32)
    made = rows_of(values, giving(3, activation="softmax"))
    assert made.row(0) == (1, round(0.7 * FULL_SCORE))
    assert made.row(1) == (0, FULL_SCORE)


def test_of_two_classes_it_is_that_of_the_threshold() -> None:
    config = ModelConfig(threshold=0.8)
    made = rows_of(np.array([[0.75], [0.8]], np.float32), giving(1, activation="sigmoid"), config)
    assert made.row(0) == (0, round(0.25 * FULL_SCORE))
    assert made.row(1) == (1, round(0.8 * FULL_SCORE))


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "uint8"])
def test_numbers_are_kept_as_they_are(dtype: str) -> None:
    made = rows_of(np.array([[1, 2], [3, 4]], dtype), giving(2, dtype=dtype))
    assert made.row(1) == (np.array([3, 4], ">f4").tobytes(), None)


def test_of_sets_it_is_what_reaches_the_threshold() -> None:
    values = np.array([[0.1, 0.5, 0.9]], np.float32)
    made = rows_of(values, giving(3, activation="sigmoid"))
    assert made.content is not None
    assert read_sets(3, made.content).tolist() == [[False, True, True]]


def test_a_model_without_rows_to_compare_leaves_nothing() -> None:
    assert rows_of(np.zeros((2, 4, 3), np.float32), giving(4, 3)).content is not None
    assert rows_of(np.zeros((2, 30, 3), np.float32), giving(30, 3)).content == b""
