"""Read the arrays of a TensorFlow checkpoint, grouped as its graph of objects groups them.

`model.save_weights("cp.ckpt")` of Keras 2 writes a tree: `layer_with_weights-0/kernel`. A `Saver`
of TensorFlow 1 wrote names only: `dense/kernel`, in no order that would tell anything.
"""

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from service.base.refusals import FileBroken
from service.loading.files.checkpoint import Checkpoint, open_checkpoint
from service.loading.weights.source import CELL, MAX_DEPTH, FileArray, FileLayer, Source, file_array

LAYER = re.compile(r"layer_with_weights-(\d+)")
PLAIN_LAYER = re.compile(r"layer-(\d+)")
VALUE = "VARIABLE_VALUE"
ROOTS = ("model", "net", "network")  # tf.train.Checkpoint(model=model)
BESIDE = {"optimizer", "save_counter", "keras_api", "signatures", "metrics", "layer_metrics"}
BESIDE |= {"variables", "trainable_variables", "non_trainable_variables", "regularization_losses"}
# What optimizers of TensorFlow 1 keep under a variable's name, and counters.
SLOTS = re.compile(
    r".*/(Adam|Adam_\d|Momentum|RMSProp|RMSProp_\d|Adagrad|Adadelta|Adadelta_\d|Ftrl|Ftrl_\d|"
    r"ExponentialMovingAverage)|(.*/)?(beta[12]_power(_\d)?|global_step|iterations?|save_counter)"
)


def read_checkpoint_source(path: Path, name: str) -> Source:
    """The arrays of a checkpoint, given its index. Raises FileBroken."""
    with open_checkpoint(path) as checkpoint:
        if checkpoint.nodes:
            return _Graph(checkpoint, name).source()
        return _named_source(checkpoint)


class _Graph:
    """A walk over the objects that visits each once: they refer to each other in circles."""

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        self._checkpoint = checkpoint
        self._name = name
        self._seen: set[int] = set()
        self._ignored: list[str] = []

    def source(self) -> Source:
        root = 0
        children = self._checkpoint.nodes[0].children
        if not any(LAYER.fullmatch(child) for child in children):
            root = next((children[name] for name in ROOTS if name in children), 0)
        self._ignored += sorted({"optimizer"} & set(children))
        layer = self._layer(root, "", "")
        return Source(layer, is_tree=True, ignored=tuple(self._ignored))

    def _layer(self, number: int, label: str, slot: str) -> FileLayer:
        if label.count("/") > MAX_DEPTH:
            raise FileBroken(self._name, "the checkpoint's objects lie too deep within each other")
        self._seen.add(number)
        node = self._checkpoint.nodes[number]
        arrays: list[FileArray] = []
        numbered: list[FileLayer] = []
        inner: list[FileLayer] = []
        for child in sorted(node.children, key=_turn):
            index = node.children[child]
            if child in BESIDE or index in self._seen:
                continue
            below = f"{label}/{child}".lstrip("/")
            if self._checkpoint.nodes[index].attributes:
                arrays += self._arrays(index, child, below)
                continue
            found = LAYER.fullmatch(child)
            layer = self._layer(index, below, found[1] if found else child)
            if layer.arrays or layer.inner:
                (numbered if found else inner).append(layer)
        if numbered:
            where = f"{label}/layers".lstrip("/")
            inner.insert(0, FileLayer(where, slot="layers", inner=tuple(numbered)))
        own = FileLayer(label, "", slot, tuple(arrays), tuple(inner))
        return FileLayer(label, _layer_name(own.all_arrays()), slot, own.arrays, own.inner)

    def _arrays(self, number: int, child: str, label: str) -> list[FileArray]:
        self._seen.add(number)
        arrays = []
        for attribute in self._checkpoint.nodes[number].attributes:
            key = attribute.checkpoint_key
            if attribute.name != VALUE or key not in self._checkpoint.entries:
                self._ignored.append(label)
                continue
            owner = attribute.full_name.split(":")[0].rpartition("/")[0]
            arrays.append(FileArray(label, owner, child, self._checkpoint.read(key)))
        return arrays


def _turn(child: str) -> tuple[int, int, str]:
    """Layers with weights first, in their order; the same under other names last."""
    found = LAYER.fullmatch(child)
    if found:
        return (0, int(found[1]), child)
    return (2 if PLAIN_LAYER.fullmatch(child) else 1, 0, child)


def _layer_name(arrays: Sequence[FileArray]) -> str:
    """The layer's own name, as far as the names of its variables tell it; else empty.

    `both` for both/forward_lstm/lstm_cell and both/backward_lstm/lstm_cell, `dense` for dense.
    """
    paths = [array.owner.split("/") for array in arrays if array.owner]
    if not paths or len(paths) != len(arrays):
        return ""
    columns = takewhile(lambda words: len(set(words)) == 1, zip(*paths, strict=False))
    shared = [words[0] for words in columns]
    while shared and CELL.fullmatch(shared[-1]):
        shared = shared[:-1]
    return shared[-1] if shared else ""


def _named_source(checkpoint: Checkpoint) -> Source:
    """Without objects: whatever lies under one first word is taken for one layer."""
    layers: dict[str, list[FileArray]] = {}
    ignored = []
    for key, entry in checkpoint.entries.items():
        if SLOTS.fullmatch(key) or entry.dtype == "string":
            ignored.append(key)
            continue
        array = file_array(key, checkpoint.read(key))
        layers.setdefault(key.split("/")[0], []).append(array)
    inner = tuple(FileLayer(name, name, arrays=tuple(found)) for name, found in layers.items())
    return Source(FileLayer("", inner=inner), False, is_ordered=False, ignored=tuple(ignored))
