"""Defaults that changed: what a file doesn't say is what its Keras took."""

from typing import Any

import pytest

from service.loading.upgrade.activations import LEGACY_HARD_SIGMOID
from service.loading.upgrade.model import upgrade
from tests.loading.handmade import layer, sequential
from tests.loading.upgrade.examples import PICTURE, SEQUENCE


def _config(kind: str, version: str, **settings: Any) -> Any:
    model = sequential(SEQUENCE, layer(kind, name="r", units=2, **settings))
    return upgrade(model, version).config["config"]["layers"][1]["config"]


@pytest.mark.parametrize("version", ["1.2.2", "2.0.0", "2.2.4", "2.2.4-tf", "2.1.6-tf", "", "what"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gates_were_hard_sigmoids(kind: str, version: str) -> None:
    found = _config(kind, version)["recurrent_activation"]

    assert found["registered_name"] == LEGACY_HARD_SIGMOID


@pytest.mark.parametrize(
    ("kind", "version"), [("LSTM", "2.3.0"), ("GRU", "2.3.1-tf"), ("SimpleRNN", "2.1.0")]
)
def test_gates_are_sigmoids_since(kind: str, version: str) -> None:
    assert "recurrent_activation" not in _config(kind, version)


def test_gates_of_convolutions_were_hard_sigmoids_throughout() -> None:
    assert "recurrent_activation" in _config("ConvLSTM2D", "2.15.0")


def test_what_a_file_says_itself_counts() -> None:
    assert _config("LSTM", "2.1.0", recurrent_activation="tanh")["recurrent_activation"] == "tanh"
    inner = _config("GRU", "1.2.2", inner_activation="sigmoid")
    assert inner["recurrent_activation"] == "sigmoid"


@pytest.mark.parametrize(
    ("version", "count"), [("2.2.4-tf", 1), ("", 1), ("2.2.4", 0), ("2.1.6-tf", 0)]
)
def test_where_the_version_leaves_it_open_the_choice_is_told(version: str, count: int) -> None:
    notes = upgrade(sequential(SEQUENCE, layer("LSTM", name="r", units=2)), version).notes

    assert [("'r'" in note, "hard_sigmoid is taken" in note) for note in notes] == [
        (True, True)
    ] * count


@pytest.mark.parametrize(
    ("version", "expected"), [("2.1.6", False), ("2.3.1", False), ("", False), ("2.4.0", None)]
)
def test_a_gru_reset_before_unless_it_says_so(version: str, expected: bool | None) -> None:
    assert _config("GRU", version).get("reset_after") is expected
    assert _config("GRU", version, reset_after=True)["reset_after"] is True


@pytest.mark.parametrize(("version", "count"), [("2.2.4", 1), ("2.4.0", 0), ("2.2.4-tf", 0)])
def test_bilinear_upsampling_of_old_is_told(version: str, count: int) -> None:
    item = layer("UpSampling2D", name="u", interpolation="bilinear")

    assert len(upgrade(sequential(PICTURE, item), version).notes) == count
