"""A training that goes on where the file's ended takes the same steps as if it had never ended."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from service.training.model.prepared import Prepared
from tests.training.asking import data_of, prepared, version_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]

RANDOM = np.random.default_rng(3)
ROWS = RANDOM.random((16, 4)).astype(np.float32)
LABELS = RANDOM.random((16, 2)).astype(np.float32)
DATA = data_of(ROWS, LABELS)
STEPS = 4


def _train(model: Any) -> Any:
    for _ in range(STEPS):
        model.train_on_batch(ROWS, LABELS)
    return model


def _model(engine: Any) -> Any:
    layers = engine.layers
    return engine.Sequential(
        [engine.Input((4,)), layers.Dense(5, activation="tanh", name="body"),
         layers.Dense(5, activation="tanh", name="middle"), layers.Dense(2, name="last")]
    )  # fmt: skip


def _trained(engine: Any, optimizer: Any) -> Any:
    model = _model(engine)
    model.compile(optimizer, "mean_absolute_error")
    return _train(model)


def _optimizer(name: str) -> Any:
    from keras import optimizers

    made = {
        "adam": lambda: optimizers.Adam(0.01, amsgrad=True),
        "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        "sgd": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        "adagrad": lambda: optimizers.Adagrad(0.01),
        "nadam": lambda: optimizers.Nadam(0.01),
        "adamw": lambda: optimizers.AdamW(0.01),
    }
    return made[name]()


def _state(prepared: Prepared) -> str:
    return str(prepared.report["compile"]["optimizer"]["state"])


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        ("adam", "model.keras"), ("adam", "model.h5"), ("rmsprop", "model.keras"),
        ("rmsprop", "model.h5"), ("sgd", "model.h5"), ("adagrad", "model.keras"),
        ("nadam", "model.keras"), ("adamw", "model.h5"),
    ],
)  # fmt: skip
def test_goes_on_from_a_file_of_keras_3(optimizer: str, name: str, tmp_path: Path) -> None:
    import keras

    model = _trained(keras, _optimizer(optimizer))
    model.save(tmp_path / name)
    on = prepared(version_of(tmp_path / name), DATA)

    _train(on.model)

    assert _state(on) == "restored"
    assert int(on.model.optimizer.iterations) == 2 * STEPS
    for mine, theirs in zip(on.model.get_weights(), _train(model).get_weights(), strict=True):
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("kind", ["adam", "legacy_adam", "legacy_sgd", "legacy_rmsprop"])
def test_goes_on_from_a_file_of_keras_2(kind: str, tmp_path: Path) -> None:
    import tf_keras

    old = tf_keras.optimizers
    optimizer = {
        "adam": lambda: old.Adam(0.01),
        "legacy_adam": lambda: old.legacy.Adam(0.01),
        "legacy_sgd": lambda: old.legacy.SGD(0.01, momentum=0.9),
        "legacy_rmsprop": lambda: old.legacy.RMSprop(0.01, momentum=0.5),
    }[kind]()
    model = _trained(tf_keras, optimizer)
    model.save(tmp_path / "model.h5")
    on, anew = prepared(version_of(tmp_path / "model.h5"), DATA), _anew(tmp_path / "model.h5")

    _train(on.model)
    _train(anew.model)

    theirs = _train(model).get_weights()
    assert _state(on) == "restored"
    assert _distance(on.model.get_weights(), theirs) < 2e-5
    assert _distance(anew.model.get_weights(), theirs) > 1e-3


def _anew(path: Path) -> Prepared:
    """The same file, and nothing but the state of its optimizer is left out."""
    with h5py.File(path, "a") as file:
        del file["optimizer_weights"]
    anew = prepared(version_of(path), DATA)
    assert _state(anew) == "not restored: the file has none"
    return anew


def _distance(mine: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    pairs = zip(mine, theirs, strict=True)
    return max(float(np.abs(one - other).max()) for one, other in pairs)


def test_what_learns_on_keeps_its_state_beside_frozen_layers(tmp_path: Path) -> None:
    import keras

    model = _trained(keras, _optimizer("adam"))
    model.save(tmp_path / "model.keras")
    momentums = [variable.numpy() for variable in model.optimizer._momentums]

    on = prepared(version_of(tmp_path / "model.keras"), DATA, init={"freeze": ["middle"]})

    assert _state(on) == "restored"
    mine = [variable.numpy() for variable in on.model.optimizer._momentums]
    kept = momentums[:2] + momentums[4:]
    assert all(a.tobytes() == b.tobytes() for a, b in zip(mine, kept, strict=True))


def _spoilt(path: Path) -> None:
    with h5py.File(path, "a") as file:
        group = file["optimizer_weights"]
        name = next(each for each in group.attrs["weight_names"] if "momentum" in each)
        group[name][...] = np.nan


def _reshaped(path: Path) -> None:
    with h5py.File(path, "a") as file:
        group = file["optimizer_weights"]
        name = next(each for each in group.attrs["weight_names"] if "momentum" in each)
        del group[name]
        group[name] = np.zeros(7)


def _missing(path: Path) -> None:
    with h5py.File(path, "a") as file:
        group = file["optimizer_weights"]
        del group[next(each for each in group.attrs["weight_names"] if "momentum" in each)]


@pytest.mark.parametrize(
    ("spoil", "parts", "told"),
    [
        (_spoilt, {}, "it isn't finite"),
        (_reshaped, {}, "the file's arrays have other shapes than the optimizer's"),
        (_missing, {}, "the optimizer's array"),
        (None, {"compile": {"optimizer": "sgd"}}, "it is that of another optimizer"),
        (None, {"init": {"from": "architecture"}}, "the weights aren't those that it belongs to"),
    ],
    ids=["nan", "shape", "missing", "other", "fresh"],
)
def test_says_why_it_begins_anew(
    spoil: Any, parts: dict[str, Any], told: str, tmp_path: Path
) -> None:
    import keras

    path = tmp_path / "model.h5"
    _trained(keras, _optimizer("adamw")).save(path)
    if spoil is not None:
        spoil(path)

    anew = prepared(version_of(path), DATA, **parts)

    assert _state(anew).startswith(f"not restored: {told}")
    assert int(anew.model.optimizer.iterations) == 0


def test_another_learning_rate_is_no_other_optimizer(tmp_path: Path) -> None:
    import keras

    _trained(keras, _optimizer("adam")).save(tmp_path / "model.keras")

    on = prepared(version_of(tmp_path / "model.keras"), DATA, compile={"learning_rate": 0.25})

    assert _state(on) == "restored"
    assert float(on.model.optimizer.learning_rate) == 0.25
    assert on.report["compile"]["optimizer"]["config"]["amsgrad"] is True
