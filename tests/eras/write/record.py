"""Store a model in the forms of its era, beside inputs and the answers of the engine itself.

Runs under Python 3.6 and newer: no annotations that need more.
"""

import hashlib
import json
import os
import platform
import zlib
from typing import Any

import numpy as np

ROWS = 5
SPREAD = 0.6


def numbers(*shape: int) -> Any:
    """Inputs of one kind: the same in every engine."""
    seed = zlib.crc32(repr(shape).encode())
    return np.random.RandomState(seed).normal(0, 1, (ROWS, *shape)).astype("float32")


def indices(below: int, *shape: int, lowest: int = 0) -> Any:
    """Words or categories as numbers."""
    return np.random.RandomState(below).randint(lowest, below, (ROWS, *shape)).astype("float32")


def scatter(model: Any, seed: int = 7) -> None:
    """Give every weight a value of its own: fresh ones are zeros and ones, alike when swapped.

    What begins as ones is a variance or a scale, and stays positive.
    """
    random = np.random.RandomState(seed)
    scattered = []
    for values in model.get_weights():
        if values.dtype.kind != "f":
            scattered.append(values)
        elif values.size and np.all(values == 1):
            scattered.append(random.uniform(0.5, 1.5, values.shape).astype(values.dtype))
        else:
            scattered.append(random.normal(0, SPREAD, values.shape).astype(values.dtype))
    model.set_weights(scattered)


class Recorder:
    """Writes one engine's folder: model files, examples, and the manifest of both."""

    def __init__(self, engine: str, folder: str, keras: str, backend: str) -> None:
        self.folder = folder
        self.as_texts = np.asarray  # type: Any
        self._manifest = {
            "engine": engine, "keras": keras, "backend": backend,
            "python": platform.python_version(), "models": [],
        }  # type: dict[str, Any]  # fmt: skip

    def examples(self, name: str, model: Any, inputs: Any) -> str:
        """Ask the engine and keep what was asked and answered."""
        asked = [self.as_texts(x) if x.dtype.kind == "U" else x for x in inputs]
        answers = model.predict(asked if len(asked) > 1 else asked[0], verbose=0)
        answers = answers if isinstance(answers, list) else [answers]
        arrays = {f"x{i}": values for i, values in enumerate(inputs)}
        arrays.update({f"y{i}": np.asarray(values) for i, values in enumerate(answers)})
        for values in arrays.values():
            assert values.dtype.kind in "fiuU", values.dtype
        assert all(np.isfinite(v).all() for v in arrays.values() if v.dtype.kind == "f"), name
        np.savez_compressed(os.path.join(self.folder, name + ".npz"), **arrays)
        return name + ".npz"

    def whole(self, name: str, purpose: str, model: Any, inputs: Any, **more: Any) -> None:
        """`model.save("x.h5")`."""
        model.save(os.path.join(self.folder, name + ".h5"))
        examples = self.examples(name, model, inputs)
        self.add(name + ".h5", purpose, {"model.h5": name + ".h5"}, model, examples, **more)

    def pair(self, name: str, purpose: str, model: Any, inputs: Any, **more: Any) -> None:
        """`model.to_json()` beside `model.save_weights("x.h5")`."""
        self.architecture(name, model)
        model.save_weights(os.path.join(self.folder, name + "_weights.h5"))
        files = {"model.json": name + ".json", "weights.h5": name + "_weights.h5"}
        examples = self.examples(name, model, inputs)
        self.add(name + ".json", purpose, files, model, examples, **more)

    def archive(self, name: str, purpose: str, model: Any, inputs: Any, **more: Any) -> None:
        """`model.save("x.keras")`."""
        model.save(os.path.join(self.folder, name + ".keras"))
        examples = self.examples(name, model, inputs)
        files = {"model.keras": name + ".keras"}
        self.add(name + ".keras", purpose, files, model, examples, **more)

    def checkpoint(self, name: str, purpose: str, model: Any, inputs: Any) -> None:
        """`model.save_weights("cp.ckpt", save_format="tf")` beside the architecture."""
        self.architecture(name, model)
        folder = name + "_checkpoint"
        model.save_weights(os.path.join(self.folder, folder, "cp.ckpt"), save_format="tf")
        files = {**self.below(folder), "model.json": name + ".json"}
        self.add(name + ".ckpt", purpose, files, model, self.examples(name, model, inputs))

    def modern_weights(self, name: str, purpose: str, model: Any, inputs: Any) -> None:
        """`model.save_weights("x.weights.h5")` of Keras 2.12 and newer beside the architecture."""
        self.architecture(name, model)
        model.save_weights(os.path.join(self.folder, name + ".weights.h5"))
        files = {"model.json": name + ".json", "model.weights.h5": name + ".weights.h5"}
        self.add(name + ".weights.h5", purpose, files, model, self.examples(name, model, inputs))

    def saved_model(self, name: str, purpose: str, model: Any, inputs: Any) -> None:
        """`model.save("folder", save_format="tf")`."""
        folder = name + "_saved_model"
        model.save(os.path.join(self.folder, folder), save_format="tf")
        examples = self.examples(name, model, inputs)
        self.add(name + ".saved_model", purpose, self.below(folder), model, examples)

    def architecture(self, name: str, model: Any) -> None:
        with open(os.path.join(self.folder, name + ".json"), "w") as stream:
            stream.write(model.to_json())

    def below(self, folder: str) -> "dict[str, str]":
        """Every file of a folder, by the name that it has in a version of a model."""
        found = {}
        top = os.path.join(self.folder, folder)
        for parent, _, names in os.walk(top):
            for name in names:
                inner = os.path.relpath(os.path.join(parent, name), top)
                found[inner] = os.path.join(folder, inner)
        return found

    def add(
        self, name: str, purpose: str, files: Any, model: Any, examples: Any, **more: Any
    ) -> None:
        """Note a model that shall be served; `files` maps served names to files written.

        `more` is what comparing it needs: a tolerance.
        """
        facts = {"examples": examples, "layers": sorted(classes(model))}
        self._add(name, purpose, files, {**facts, **more})

    def refused(self, name: str, purpose: str, files: Any, words: str) -> None:
        """Note files that shall be refused with these words in the reason."""
        self._add(name, purpose, files, {"refused": words})

    def _add(self, name: str, purpose: str, files: Any, facts: Any) -> None:
        record = {served: self._facts(path) for served, path in sorted(files.items())}
        entry = {"name": name, "purpose": purpose, "files": record}
        self._manifest["models"].append({**entry, **facts})
        print("  " + name, flush=True)

    def _facts(self, path: str) -> "dict[str, Any]":
        with open(os.path.join(self.folder, path), "rb") as stream:
            content = stream.read()
        digest = hashlib.sha256(content).hexdigest()
        return {"path": path, "size": len(content), "sha256": digest}

    def close(self) -> None:
        with open(os.path.join(self.folder, "manifest.json"), "w") as stream:
            json.dump(self._manifest, stream, indent=1, sort_keys=True)
            stream.write("\n")


def classes(model: Any) -> "set[str]":
    """The classes of the layers of a model, models and wrappers within it included."""
    found = set()
    for layer in getattr(model, "layers", []):
        found.add(type(layer).__name__)
        found |= classes(layer)
        inner = getattr(layer, "layer", None)
        if inner is not None:
            found.add(type(inner).__name__)
            found |= classes(inner)
    return found
