"""A weights file laid over a model: what fits by name goes in, the rest is told and why."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.refusals import FileUnsafe, TrainingRefused
from service.training.model.prepared import Prepared
from tests.training.asking import data_of, prepared, states, version_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]

ROWS = np.random.default_rng(1).random((12, 4)).astype(np.float32)
DATA = data_of(ROWS, np.arange(12) % 3, 3)


def _net(engine: Any, last: int = 3, hidden: int = 6, name: str = "hidden") -> Any:
    layers = engine.layers
    model = engine.Sequential(
        [engine.Input((4,)), layers.Dense(5, name="body"), layers.Dense(hidden, name=name),
         layers.BatchNormalization(name="norm"), layers.Dense(last, "softmax", name="last")]
    )  # fmt: skip
    for variable in model.weights:
        variable.assign(np.random.default_rng(7).random(variable.shape) + 0.5)
    return model


@pytest.fixture
def version(tmp_path: Path) -> Path:
    import keras

    path = tmp_path / "model.keras"
    _net(keras).save(path)
    return path


def _laid_over(version: Path, weights: Path, **init: Any) -> Prepared:
    source = version_of(version, weights_file=weights)
    told = {"from": "file", "weights_file": weights.name, **init}
    return prepared(source, DATA, init=told, fit={"seed": 4})


def _write(engine: Any, form: str, folder: Path, **net: Any) -> tuple[Any, Path]:
    """A model of other weights, and its file; a checkpoint is named by its index."""
    model = _net(engine, **net)
    model.get_layer("body").kernel.assign(np.full((4, 5), 0.25))
    path = folder / form
    if form in ("whole.h5", "old.hdf5"):
        model.save(folder / "whole.h5")
        (folder / "whole.h5").rename(path)
    elif form == "cp.zip":  # as a checkpoint is sent
        model.save_weights(folder / "sent" / "cp.ckpt")
        shutil.make_archive(str(path.with_suffix("")), "zip", folder / "sent")
    else:
        model.save_weights(path)
    return model, path if path.exists() else folder / f"{form}.index"


@pytest.mark.parametrize(
    ("engine", "form"),
    [("keras", "whole.h5"), ("keras", "a.weights.h5"), ("tf_keras", "old.h5"),
     ("keras", "old.hdf5"), ("tf_keras", "cp.ckpt"), ("tf_keras", "cp.zip")],
)  # fmt: skip
def test_takes_what_fits_of_every_format(
    engine: str, form: str, version: Path, tmp_path: Path
) -> None:
    module = __import__(engine)
    _, path = _write(module, form, tmp_path, last=9)

    over = _laid_over(version, path)

    found = states(over)
    assert [name for name, state in found.items() if state == "fresh"] == [
        "last/kernel", "last/bias",
    ]  # fmt: skip
    assert float(over.model.get_layer("body").kernel.numpy()[0, 0]) == 0.25
    told = {w["variable"]: w for w in over.report["init"]["weights"]["variables"]}
    assert told["body/kernel"]["from"] == "body"
    assert "has weights of the shapes" in told["last/kernel"]["why"]
    assert "9" in told["last/kernel"]["why"]
    assert over.report["init"]["weights"]["matched_by"] == "name"


def test_a_layer_goes_in_whole_or_not_at_all(version: Path, tmp_path: Path) -> None:
    import keras

    _, path = _write(keras, "a.weights.h5", tmp_path, name="other")

    over = _laid_over(version, path)

    told = {w["variable"]: w for w in over.report["init"]["weights"]["variables"]}
    assert told["hidden/kernel"]["state"] == "fresh"
    assert told["hidden/kernel"]["why"] == "the file has no layer for it"
    assert over.report["init"]["weights"]["counts"] == {"loaded": 8, "fresh": 2}
    assert over.report["init"]["weights"]["left_in_file"] != []


def test_what_is_not_loaded_is_drawn_with_the_seed(version: Path, tmp_path: Path) -> None:
    import keras

    _, path = _write(keras, "a.weights.h5", tmp_path, last=9)

    one, same = (_laid_over(version, path).model.get_weights() for _ in range(2))

    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[-2], _net(keras).get_weights()[-2])


def test_fits_a_model_within_the_model(tmp_path: Path) -> None:
    import keras

    inner, path = _write(keras, "base.weights.h5", tmp_path)
    inputs = keras.Input((4,))
    outer = keras.Model(inputs, keras.layers.Dense(3, name="top")(_net(keras)(inputs)))
    outer.save(tmp_path / "outer.keras")

    over = _laid_over(tmp_path / "outer.keras", path)

    weights = over.report["init"]["weights"]
    assert weights["counts"] == {"loaded": 10, "fresh": 2}
    assert weights["within"] != ""
    assert weights["variables"][0]["from"] == "body"
    for mine, theirs in zip(over.model.get_weights(), inner.get_weights(), strict=False):
        np.testing.assert_array_equal(mine, theirs)


def test_an_archive_serves_for_its_weights(version: Path, tmp_path: Path) -> None:
    import keras

    other = _net(keras, last=7)
    other.save(tmp_path / "other.keras")

    over = _laid_over(version, tmp_path / "other.keras")

    assert over.report["init"]["weights"]["counts"] == {"loaded": 8, "fresh": 2}


def test_nothing_that_fits_is_no_transfer(version: Path, tmp_path: Path) -> None:
    import keras

    stranger = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="far")])
    stranger.save_weights(tmp_path / "far.weights.h5")

    with pytest.raises(TrainingRefused) as caught:
        _laid_over(version, tmp_path / "far.weights.h5")

    assert "nothing of the weights file far.weights.h5 fits" in str(caught.value)
    assert "its layers are layers/dense, the model's are body" in str(caught.value)


def test_a_weights_file_is_looked_at_before_it_is_opened(version: Path, tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "linked.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/body/vars/0"] = h5py.ExternalLink("elsewhere.h5", "/secret")

    with pytest.raises(FileUnsafe, match=r"linked\.weights\.h5"):
        _laid_over(version, path)


def test_what_preprocessing_has_adapted_to_stays(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    normalize = layers.Normalization(name="scale")
    normalize.adapt(ROWS * 100)
    model = keras.Sequential([keras.Input((4,)), normalize, layers.Dense(3, "softmax", name="d")])
    model.save(tmp_path / "model.keras")

    fresh = prepared(version_of(tmp_path / "model.keras"), DATA, init={"from": "architecture"})

    assert states(fresh) == {
        "scale/mean": "kept", "scale/variance": "kept", "scale/count": "kept",
        "d/kernel": "fresh", "d/bias": "fresh",
    }  # fmt: skip
    assert not np.array_equal(fresh.model.get_layer("d").kernel, model.get_layer("d").kernel)
    np.testing.assert_allclose(
        fresh.model.get_layer("scale")(ROWS * 100), normalize(ROWS * 100), rtol=1e-6
    )
