"""Architectures that packages leave out of their wheels, made again from facts.

Two lie beside this file as JSON: our own, made to fit the published weights. Those of Keras 1 are
told by their layers' sizes, in the words of Keras 1.0.4, down to the JSON text inside of a JSON
text that its users wrote.
"""

import json
from pathlib import Path

from service.base.strict_json import Json

FOLDER = Path(__file__).parent / "architectures"

# What every layer of a kind says, and under which name it says its own number.
WEIGHTED: Json = {
    "init": "glorot_uniform",
    "activation": "linear",
    "bias": True,
    "W_regularizer": None,
    "b_regularizer": None,
    "activity_regularizer": None,
    "W_constraint": None,
    "b_constraint": None,
}
DENSE: Json = {**WEIGHTED, "input_dim": None}
CONVOLUTION: Json = {
    **WEIGHTED,
    "nb_row": 3,
    "nb_col": 3,
    "border_mode": "same",
    "subsample": [1, 1],
    "dim_ordering": "th",
}
POOLING: Json = {
    "pool_size": [2, 2],
    "strides": [2, 2],
    "border_mode": "valid",
    "dim_ordering": "th",
}
NUMBERS = {"conv": "nb_filter", "dense": "output_dim", "drop": "p"}

CNN_HEAD = ("conv", "relu", "conv", "relu", "pool", "drop 0.25") * 2 + ("flatten",)
FLOP_TAIL = ("dense 128", "relu", "drop 0.5", "dense 1")
LATE_TAIL = ("dense 512", "relu", "drop 0.5", "dense 256", "relu", "drop 0.5", "dense 1")
PREFLOP = ("dense 256", "relu", "drop 0.5", "dense 64", "relu", "drop 0.5", "dense 1")


def architecture(name: str) -> bytes:
    """The architecture of the corpus model of this name, as the file that it is given in."""
    made = {
        "holecard_preflop_neuralnet": keras_1(PREFLOP, (52,)),
        "holecard_flop_cnn": keras_1(sized(128) + FLOP_TAIL, (1, 5, 17), again=6),
        "holecard_turn_cnn": keras_1(sized(256) + LATE_TAIL, (1, 6, 17), again=6),
        "holecard_river_cnn": keras_1(sized(256) + LATE_TAIL, (1, 7, 17)),
    }
    if name in made:
        return json.dumps(json.dumps(made[name])).encode()
    return (FOLDER / f"{name}.json").read_bytes()


def sized(filters: int) -> tuple[str, ...]:
    """The convolutional layers, each with so many filters."""
    return tuple(f"conv {filters}" if layer == "conv" else layer for layer in CNN_HEAD)


def keras_1(layers: tuple[str, ...], shape: tuple[int, ...], again: int = 0) -> Json:
    """A Sequential of Keras 1.0.4; layer `again` carries the input's shape a second time."""
    counts: dict[str, int] = {}
    described = [_layer(layer, counts) for layer in layers]
    for index in {0, again}:
        described[index]["config"] |= {
            "batch_input_shape": [None, *shape],
            "input_dtype": "float32",
        }
    if described[0]["class_name"] == "Dense":
        described[0]["config"]["input_dim"] = shape[0]
    return {
        "class_name": "Sequential",
        "config": described,
        "keras_version": "1.0.4",
        "loss": "mse",
        "optimizer": {"name": "Adadelta", "lr": 1.0, "rho": 0.95, "epsilon": 1e-08},
        "sample_weight_mode": None,
    }


def _layer(text: str, counts: dict[str, int]) -> Json:
    kind, _, number = text.partition(" ")
    kinds: dict[str, tuple[str, Json]] = {
        "conv": ("Convolution2D", CONVOLUTION),
        "dense": ("Dense", DENSE),
        "relu": ("Activation", {"activation": "relu"}),
        "pool": ("MaxPooling2D", POOLING),
        "drop": ("Dropout", {}),
        "flatten": ("Flatten", {}),
    }
    class_name, config = kinds[kind]
    counts[class_name] = counts.get(class_name, 0) + 1
    name = f"{class_name.lower()}_{counts[class_name]}"
    size = {NUMBERS[kind]: json.loads(number)} if number else {}
    return {"class_name": class_name, "config": {"name": name, "trainable": True, **config, **size}}
