"""Which array of a file's optimizer is which: slot by slot, told by names or by the era's order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from service.loading.saved_training import SavedArray

STEPS = frozenset({"iteration", "iterations", "iter"})
RATE = "learning_rate"
# What earlier versions called the slots that Keras 3 has under the names behind them.
SLOTS: Mapping[str, Mapping[str, str]] = {
    "Adam": {"m": "momentum", "v": "velocity", "vhat": "velocity_hat"},
    "AdamW": {"m": "momentum", "v": "velocity", "vhat": "velocity_hat"},
    "Adamax": {"m": "momentum", "v": "norm", "u": "norm"},
    "SGD": {"m": "momentum"},
    "RMSprop": {"rms": "velocity", "mg": "average_gradient"},
    "Adagrad": {},
    "Adadelta": {"accum_grad": "accumulated_grad", "accum_var": "accumulated_delta_var"},
    "Lion": {"m": "momentum"},
}
OF_KERAS_3 = frozenset(
    """
    accumulated_delta_var accumulated_grad accumulator average_gradient momentum norm velocity
    velocity_hat
    """.split()
)
NAMES = OF_KERAS_3 | {old for slots in SLOTS.values() for old in slots}
# In which order Keras 1 and 2 wrote all of one slot, then all of the next, without names.
BLOCKS: Mapping[str, Sequence[str]] = {
    "Adam": ("momentum", "velocity", "velocity_hat"),
    "Adamax": ("momentum", "norm"),
    "SGD": ("momentum",),
    "RMSprop": ("velocity",),
    "Adagrad": ("accumulator",),
    "Adadelta": ("accumulated_grad", "accumulated_delta_var"),
}


@dataclass(frozen=True, slots=True)
class SlotArray:
    """An array of one slot; `owner` is the variable's name in the file, empty where it has none."""

    value: np.ndarray
    owner: str = ""


@dataclass(frozen=True, slots=True)
class SlotArrays:
    """The arrays of each slot, in the order of the variables, and how many steps were made."""

    slots: Mapping[str, Sequence[SlotArray]] = field(default_factory=dict)
    steps: int | None = None


def sort_arrays(class_name: str, arrays: Sequence[SavedArray], count: int) -> SlotArrays | str:
    """The arrays of a legacy file by slot for `count` variables, or why that can't be told."""
    if class_name not in SLOTS:
        return f"which of the file's arrays is which can't be told for {class_name}"
    steps, entries = None, []
    for array in arrays:
        words = array.name.split(":")[0].split("/")
        if words[-1] in STEPS and not array.value.shape:
            steps = int(array.value)
        elif words[-1] != RATE:
            entries.append((*_slot_and_owner(words), array.value))
    if all(slot for slot, _, _ in entries):
        return SlotArrays(_named(entries, class_name), steps)
    values = [value for _, _, value in entries]
    if not count or len(values) % count or class_name not in BLOCKS:
        return f"the file has {len(values)} arrays for {count} variables"
    blocks = [values[start : start + count] for start in range(0, len(values), count)]
    slots = {
        slot: [SlotArray(value) for value in block]
        for slot, block in zip(BLOCKS[class_name], blocks, strict=False)
    }
    return SlotArrays(slots, steps)


def _slot_and_owner(words: list[str]) -> tuple[str, str]:
    """Of Adam/dense/kernel/m, Adam/m/dense/kernel or adam/dense_kernel_momentum; else nothing."""
    last = words[-1]
    if last in NAMES and len(words) > 1:
        return last, "/".join(words[:-1])
    for index, word in enumerate(words[:-2]):
        if word in NAMES:
            return word, "/".join(words[index + 1 :])
    fitting = [slot for slot in OF_KERAS_3 if last.endswith(f"_{slot}")]
    if fitting:
        slot = max(fitting, key=len)
        return slot, last.removesuffix(f"_{slot}")
    return "", ""


def _named(
    entries: Sequence[tuple[str, str, np.ndarray]], class_name: str
) -> dict[str, list[SlotArray]]:
    found: dict[str, list[SlotArray]] = {}
    for slot, owner, value in entries:
        slot = SLOTS[class_name].get(slot, slot)
        found.setdefault(slot, []).append(SlotArray(value, owner))
    return found


def find_stranger(arrays: Sequence[SlotArray], paths: Sequence[str]) -> str:
    """The first owner that names another variable than stands at its place; empty if none does.

    `paths` are those of the model's variables, such as dense/kernel; their order is held to be
    the file's. Layers may be called otherwise in the file, as long as it isn't as another one here.
    """
    layers = {path.split("/")[0] for path in paths}
    flat = {path.replace("/", "_") for path in paths}
    for array, path in zip(arrays, paths, strict=True):
        words = set(array.owner.split("/")) & layers
        is_other_layer = bool(words) and path.split("/")[0] not in words
        is_other_path = array.owner in flat and array.owner != path.replace("/", "_")
        is_other_name = not array.owner.endswith(path.split("/")[-1])
        if array.owner and (is_other_layer or is_other_path or is_other_name):
            return array.owner
    return ""
