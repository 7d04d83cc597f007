"""Model files made by hand: what Keras would write, without Keras."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from service.base.strict_json import Json

Arrays = Mapping[str, Mapping[str, np.ndarray]]  # layer -> name -> array

DENSE: Arrays = {
    "dense": {
        "dense/kernel:0": np.arange(12, dtype="float32").reshape(4, 3),
        "dense/bias:0": np.zeros(3, "float32"),
    }
}


def layer(class_name: str, **config: Any) -> Json:
    """One layer's configuration as Keras 2 writes it."""
    return {"class_name": class_name, "config": config}


def modern_layer(class_name: str, **config: Any) -> Json:
    """One layer's configuration as Keras 3 writes it."""
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": config,
        "registered_name": None,
    }


def sequential(*layers: Json) -> Json:
    """A Sequential model of Keras 2."""
    return {"class_name": "Sequential", "config": {"name": "net", "layers": list(layers)}}


def tiny() -> Json:
    """The smallest architecture that is one: 4 numbers in, 3 out."""
    return sequential(
        layer("InputLayer", name="x", batch_input_shape=[None, 4], dtype="float32"),
        layer("Dense", name="dense", units=3, activation="softmax"),
    )


def write_whole(path: Path, config: Any = None, version: str = "2.4.0") -> Path:
    """A whole .h5: the architecture as an attribute, the weights in their group."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(tiny() if config is None else config)
        file.attrs["keras_version"] = version
        file.attrs["backend"] = "tensorflow"
        _write_layers(file.create_group("model_weights"), DENSE)
    return path


def write_weights(path: Path, layers: Arrays = DENSE, version: str = "2.4.0") -> Path:
    """Weights as `save_weights("x.h5")` of Keras 2 writes them."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        _write_layers(file, layers)
    return path


def write_modern_weights(path: Path) -> Path:
    """Weights as `save_weights("x.weights.h5")` of Keras 3 writes them."""
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = DENSE["dense"]["dense/kernel:0"]
        file["layers/dense/vars/1"] = DENSE["dense"]["dense/bias:0"]
    return path


def write_archive(path: Path, config: Any = None, **changed: bytes) -> Path:
    """A .keras archive; members may be given by their name without the suffix."""
    weights = write_modern_weights(path.with_suffix(".tmp"))
    members = {
        "metadata.json": changed.get("metadata", b'{"keras_version": "3.10.0"}'),
        "config.json": json.dumps(tiny() if config is None else config).encode(),
        "model.weights.h5": changed.get("weights", weights.read_bytes()),
    }
    weights.unlink()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _write_layers(group: h5py.Group, layers: Arrays) -> None:
    group.attrs["layer_names"] = [name.encode() for name in layers]
    for name, arrays in layers.items():
        inner = group.create_group(name)
        inner.attrs["weight_names"] = [key.encode() for key in arrays]
        for key, array in arrays.items():
            inner[key] = array
