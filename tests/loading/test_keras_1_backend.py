"""What a file of Keras 1 was made for: Theano, unless its arrays have TensorFlow's names."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.base.strict_json import Json
from service.loading.allow_list.hazards import scan_architecture
from service.loading.files.hdf5_summary import keras_1_backend
from service.loading.inspection import inspect_files
from tests.loading.handmade import layer, sequential
from tests.loading.weights.files import legacy_file

MODEL = sequential(
    layer("Convolution2D", name="c", nb_filter=1, nb_row=2, nb_col=2, border_mode="same",
          dim_ordering="tf", batch_input_shape=[None, 4, 4, 1]),
)  # fmt: skip


def _backend(folder: Path, suffix: str, model: Json, **attributes: str) -> str:
    arrays = {f"c_W{suffix}": np.ones((2, 2, 1, 1), "f4"), f"c_b{suffix}": np.ones(1, "f4")}
    weights = legacy_file(folder / "w.h5", [("c", arrays)], **attributes)
    architecture = folder / "net.json"
    architecture.write_text(json.dumps(model))
    return inspect_files({"net.json": architecture, "w.h5": weights}).backend


@pytest.mark.parametrize(("suffix", "expected"), [("", "theano"), (":0", "tensorflow")])
def test_names_tell_the_backend_of_keras_1(tmp_path: Path, suffix: str, expected: str) -> None:
    assert _backend(tmp_path, suffix, MODEL) == expected
    assert keras_1_backend([f"c_W{suffix}"]) == expected


def test_what_is_recorded_goes_before_names(tmp_path: Path) -> None:
    assert _backend(tmp_path, "", {**MODEL, "backend": "tensorflow"}) == "tensorflow"
    recorded = {**MODEL, "backend": "tensorflow"}
    assert _backend(tmp_path, "", recorded, backend="theano") == "theano"


def test_other_eras_are_not_guessed(tmp_path: Path) -> None:
    assert _backend(tmp_path, "", {**MODEL, "keras_version": "2.2.4"}) == ""


@pytest.mark.parametrize("class_name", ["Conv2D", "Conv3D", "Lambada"])
def test_a_class_of_ours_is_known_by_its_own_name_only(class_name: str) -> None:
    own = {**layer(class_name), "module": "x", "registered_name": "kerasd>TheanoConv2D"}

    found = scan_architecture(sequential(own))

    assert bool(found.hazards) is (class_name != "Conv2D")
