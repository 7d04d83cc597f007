"""Which layers were padded otherwise by Theano, and which of them can't be done here."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.era import parse_era
from service.loading.upgrade.mending import Mending
from service.loading.upgrade.model import Upgraded, upgrade
from service.loading.upgrade.theano import backend_for, why_not_tensorflow
from tests.loading.handmade import layer, sequential
from tests.loading.upgrade.examples import PICTURE

SAME: Json = {"name": "y", "filters": 2, "padding": "same"}
POOL: Json = {"name": "y", "padding": "same"}


def _upgraded(item: Json, version: str = "2.2.4", backend: str = "theano") -> Upgraded:
    return upgrade(sequential(PICTURE, item), version, backend)


def _is_ours(item: Json, version: str = "2.2.4", backend: str = "theano") -> bool:
    done = _upgraded(item, version, backend)
    after: Any = done.config["config"]["layers"][1]
    name = f"kerasd>Theano{after['class_name']}"
    assert (after["registered_name"] == name) is ("theano_padding" in done.rules)
    return "theano_padding" in done.rules


@pytest.mark.parametrize(
    ("kind", "window", "expected"),
    [
        ("Conv1D", {"kernel_size": [4]}, True),
        ("Conv1D", {"kernel_size": 3, "strides": [2]}, True),
        ("Conv1D", {"kernel_size": 3}, False),
        ("Conv2D", {"kernel_size": [3, 3]}, False),
        ("Conv2D", {"kernel_size": [3, 2]}, True),
        ("Conv2D", {"kernel_size": [3, 3], "strides": [1, 2]}, True),
        ("Conv2D", {"kernel_size": [3, 1], "strides": [1, 2]}, False),
        ("Conv2D", {"kernel_size": [1, 1], "strides": [2, 2]}, False),
        ("Conv2D", {"kernel_size": [2, 2], "dilation_rate": [2, 2]}, False),
        ("Conv2D", {"kernel_size": [2, 2], "dilation_rate": [2, 3]}, True),
        ("Conv2D", {"kernel_size": [2, 2], "padding": "valid"}, False),
        ("Conv1D", {"kernel_size": [2], "padding": "causal"}, False),
        ("Conv3D", {"kernel_size": [2, 3, 3]}, True),
        ("DepthwiseConv2D", {"kernel_size": [2, 2]}, True),
        ("SeparableConv2D", {"kernel_size": [3, 3], "strides": [2, 2]}, True),
        ("Conv2DTranspose", {"kernel_size": [3, 3]}, False),
        ("Conv2DTranspose", {"kernel_size": [3, 3], "strides": [2, 2]}, True),
        ("Conv2DTranspose", {"kernel_size": [1, 1], "strides": [2, 2]}, False),
    ],
)
def test_even_kernels_and_steps_differ(kind: str, window: Json, expected: bool) -> None:
    item = layer(kind, **{**SAME, **window})

    assert _is_ours(item) is expected
    assert not _is_ours(item, backend="tensorflow")
    assert not _is_ours(item, backend="")


@pytest.mark.parametrize(
    ("kind", "window", "expected"),
    [
        ("MaxPooling2D", {"pool_size": [2, 2], "strides": None}, True),
        ("MaxPooling2D", {"pool_size": [3, 3], "strides": [1, 1]}, False),
        ("MaxPooling2D", {"pool_size": [3, 3], "strides": None}, True),
        ("AveragePooling2D", {"pool_size": [5, 5], "strides": [1, 1]}, True),
        ("AveragePooling2D", {"pool_size": [1, 1], "strides": [2, 2]}, False),
        ("MaxPooling1D", {}, True),
        ("MaxPooling1D", {"padding": "valid"}, False),
        ("MaxPooling3D", {"pool_size": [2, 2, 2]}, True),
        ("AveragePooling3D", {"pool_size": [3, 3, 3], "strides": [1, 1, 1]}, False),
    ],
)
def test_almost_all_pooling_differs(kind: str, window: Json, expected: bool) -> None:
    assert _is_ours(layer(kind, **{**POOL, **window})) is expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.2.2", None), ("2.0.3", None), ("2.0.4", True), ("2.1.4", True), ("2.1.5", None)],
)
def test_some_versions_counted_the_padding(version: str, expected: bool | None) -> None:
    item = layer("AveragePooling2D", **POOL, pool_size=[2, 2])

    after: Any = _upgraded(item, version).config["config"]["layers"][1]

    assert after["config"].get("count_padding") is expected


def test_what_counts_padding_differs_in_every_pool() -> None:
    item = layer("AveragePooling2D", **POOL, pool_size=[3, 3], strides=[1, 1])

    assert _is_ours(item, "2.0.8")
    assert not _is_ours(item, "2.2.4")


@pytest.mark.parametrize(
    ("kind", "settings", "version", "reason"),
    [
        ("SeparableConv2D", {"kernel_size": [2, 3]}, "2.2.4", "output longer"),
        ("Conv2DTranspose", {"kernel_size": [2, 3]}, "2.2.4", "an even kernel failed"),
        ("Conv2DTranspose", {"kernel_size": [3, 3], "strides": [3, 1]}, "2.2.4", "its steps are"),
        ("Conv2DTranspose", {"kernel_size": [3, 3], "strides": [2, 2]}, "1.2.2", "Keras 1 left"),
        ("Conv2DTranspose", {"kernel_size": [3, 3], "strides": [2, 2], "output_padding": [1, 1]},
         "2.2.4", "output_padding"),
        ("MaxPooling3D", {"pool_size": [1, 2, 2]}, "2.2.4", "a side of 1 cut off"),
        ("MaxPooling3D", {"pool_size": [2, 2, 2]}, "2.0.8", "longer than Keras said"),
        ("MaxPooling2D", {"pool_size": [1, 2]}, "1.0.8", "a side of 1 cut off"),
        ("ConvLSTM2D", {"kernel_size": [2, 2], "padding": "valid"}, "2.2.4", "its kernel is even"),
        ("ConvLSTM2D", {"kernel_size": [3, 3], "strides": [2, 2]}, "2.2.4", "or has steps"),
    ],
)  # fmt: skip
def test_what_we_cannot_do_is_refused(kind: str, settings: Json, version: str, reason: str) -> None:
    item = layer(kind, **{**POOL, **settings})

    with pytest.raises(ValueError, match=f"'y' .{kind}. was padded as Theano did.*{reason}"):
        _upgraded(item, version)
    _upgraded(item, version, "tensorflow")


def test_a_recurrent_convolution_of_odd_kernels_is_the_same() -> None:
    assert not _is_ours(layer("ConvLSTM2D", **SAME, kernel_size=[3, 3]))


def test_keras_1_and_layers_within_layers() -> None:
    inner = layer("Convolution1D", name="c", nb_filter=2, filter_length=2, border_mode="same")

    done = _upgraded(layer("TimeDistributed", name="t", layer=inner), "1.2.2")

    within: Any = done.config["config"]["layers"][1]["config"]["layer"]
    assert (within["class_name"], within["module"]) == ("Conv1D", None)
    assert within["registered_name"] == "kerasd>TheanoConv1D"


@pytest.mark.parametrize(
    ("version", "is_ours", "notes"), [("1.0.8", False, 0), ("1.2.2", True, 1), ("", True, 1)]
)
def test_volumes_of_keras_1_are_told(version: str, is_ours: bool, notes: int) -> None:
    """Their padding changed with Theano 0.9, whose version no file has."""
    item = layer("Convolution3D", name="y", nb_filter=2, kernel_dim1=2, kernel_dim2=3,
                 kernel_dim3=3, border_mode="same")  # fmt: skip

    assert _is_ours(item, version) is is_ours
    assert len(_upgraded(item, version).notes) == notes


@pytest.mark.parametrize("size", ["two", [1.5, 2], [2, 2, 2], None])
def test_a_window_that_is_none_is_refused(size: object) -> None:
    with pytest.raises(ValueError, match="isn't built as Keras builds them"):
        _upgraded(layer("Conv2D", **SAME, kernel_size=size))


def test_an_operator_overrules_the_file() -> None:
    assert backend_for("tensorflow", "auto") == "tensorflow"
    assert backend_for("theano", "keep") == ""
    assert backend_for("", "flip") == "theano"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (layer("Conv2D", **SAME, kernel_size=[2, 2]), "'y' (Conv2D) was padded as Theano did"),
        (layer("SeparableConv2D", **SAME, kernel_size=[2, 2]), "an even kernel made"),
        (layer("Conv2D", **SAME, kernel_size=[3, 3]), ""),
    ],
)
def test_tf_keras_is_told_what_it_would_pad_otherwise(item: Json, reason: str) -> None:
    found = why_not_tensorflow(
        sequential(PICTURE, item), Mending(parse_era("2.2.4"), backend="theano")
    )

    assert reason in found
    assert bool(found) is bool(reason)
