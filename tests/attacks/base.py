"""The good model that most cases are made of, in every format."""

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import keras

from service.base.strict_json import Json
from tests.attacks.case import Case, Corpus
from tests.attacks.files import zipped

Edit = Callable[[h5py.File, str, str], None]  # (file, group of the first layer, its kernel)

IN_H5 = ("model_weights/d1/sequential/d1", "kernel")
IN_ARCHIVE = ("layers/dense/vars", "0")


@dataclass(frozen=True, slots=True)
class Base:
    """One model as a whole `.h5`, a `.keras` archive, weights alone and architecture JSON."""

    h5: bytes
    keras: bytes
    weights: bytes
    architecture: str

    @property
    def config(self) -> Json:
        """The architecture, new for each who asks."""
        config: Json = json.loads(self.architecture)
        return config

    @property
    def members(self) -> dict[str, bytes]:
        """The members of the archive."""
        with zipfile.ZipFile(io.BytesIO(self.keras)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def make_model(name: str = "sequential", loss: Any = None) -> keras.Model:
    """Two Dense layers, 4 numbers in, 2 out."""
    keras.utils.set_random_seed(7)
    layers = [
        keras.layers.Input((4,), name="input_layer"),
        keras.layers.Dense(3, activation="relu", name="d1"),
        keras.layers.Dense(2, name="d2"),
    ]
    model = keras.Sequential(layers, name=name)
    # An object: Keras 3.15 can't read back its own .h5 with the loss "mse" (see control_h5_mse).
    model.compile("adam", keras.losses.MeanSquaredError() if loss is None else loss)
    return model


def saved(model: keras.Model, suffix: str) -> bytes:
    """The bytes of a file that Keras writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{suffix}"
        if suffix == ".weights.h5":
            model.save_weights(path)
        else:
            model.save(path)
        return path.read_bytes()


def make_base(corpus: Corpus) -> Base:
    """Make it; its architecture and weights also lie in the corpus, to accompany cases."""
    model = make_model()
    base = Base(
        h5=saved(model, ".h5"),
        keras=saved(model, ".keras"),
        weights=saved(model, ".weights.h5"),
        architecture=model.to_json(),
    )
    (corpus.models / "_base.json").write_text(base.architecture)
    (corpus.models / "_base.weights.h5").write_bytes(base.weights)
    return base


def edited_h5(corpus: Corpus, base: Base, draft: Case, edit: Edit) -> None:
    """A case that is the whole `.h5` with something changed inside."""
    corpus.write(draft, f"{draft.id}.h5", _edited(base.h5, edit, IN_H5))


def edited_archive(corpus: Corpus, base: Base, draft: Case, edit: Edit) -> None:
    """A case that is the archive with something changed inside its weights."""
    members = base.members
    members["model.weights.h5"] = _edited(members["model.weights.h5"], edit, IN_ARCHIVE)
    corpus.write(draft, f"{draft.id}.keras", zipped(members))


def edited_both(corpus: Corpus, base: Base, draft: Case, edit: Edit) -> None:
    """Two cases, `<id>_h5` and `<id>_keras`."""
    edited_h5(corpus, base, replace(draft, id=f"{draft.id}_h5"), edit)
    edited_archive(corpus, base, replace(draft, id=f"{draft.id}_keras"), edit)


def _edited(content: bytes, edit: Edit, place: tuple[str, str]) -> bytes:
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "a") as file:
        edit(file, *place)
    return buffer.getvalue()
