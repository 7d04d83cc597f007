"""Collect what would be assigned, checked array by array; only a whole plan is carried out."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from service.base.refusals import FileBroken, WeightsMismatch
from service.loading.weights.layouts import Layout, convert
from service.loading.weights.matching import By, Mode
from service.loading.weights.source import FileArray
from service.loading.weights.targets import Leaf, Variable, does_fit

FLOATS = {np.dtype("<f2"), np.dtype("<f4"), np.dtype("<f8")}
# What Keras 1 called a variable.
KERAS_1_NAMES = {"W": "kernel", "U": "recurrent_kernel", "b": "bias", "alphas": "alpha"}
KERAS_1_NAMES |= {"running_mean": "moving_mean", "running_std": "moving_variance"}
# A name that contains such a word can't stand for one that contains another.
ROLES = ("recurrent", "pointwise", "bias", "beta", "gamma", "mean", "variance", "kernel")
LOOKUP_ARRAY = "idf_weights"


@dataclass(slots=True)
class Plan:
    """What goes where. `put` raises WeightsMismatch, or FileBroken for numbers that are none."""

    file_name: str
    mode: Mode
    layout: Layout
    assignments: list[tuple[Callable[[Any], object], np.ndarray]] = field(default_factory=list)
    taken: dict[int, np.ndarray] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    by: set[By] = field(default_factory=set)
    matched: list[tuple[str, str]] = field(default_factory=list)
    left_in_file: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    conversions: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)

    def scratch(self) -> "Plan":
        """An empty plan, to see whether something would fit as a whole."""
        return Plan(self.file_name, "order" if self.mode == "order" else "strict", self.layout)

    def leave(self, label: str, why: str, where: str) -> None:
        """Note that a layer of the file doesn't go into the model's layer `where`."""
        why = why.removeprefix(f"{self.file_name}: ")
        self.left_in_file.append(label)
        self.reasons.append(why)
        self.misfits[where] = why

    def put(self, arrays: Sequence[FileArray], leaf: Leaf, label: str) -> None:
        """Plan the arrays of the file's layer `label` for the variables of a layer."""
        pairs, notes = self._paired(arrays, leaf, label)
        planned = {variable.key: self._checked(array, variable, leaf) for variable, array in pairs}
        for variable, _ in pairs:
            value = planned[variable.key]
            if variable.key not in self.taken:
                self.assignments.append((variable.variable.assign, value))
            elif not np.array_equal(self.taken[variable.key], value):
                self.refuse(f"layer '{leaf.label}' stands in the file twice, with other weights")
        self.taken |= planned
        self.done |= {variable.key for variable in leaf.variables}
        self.conversions += [note for note in notes if note not in self.conversions]

    def put_lookup(self, arrays: Sequence[FileArray], layer: Any) -> bool:
        """Plan the weights of words, which a lookup layer takes in by itself."""
        if [array.name for array in arrays] != [LOOKUP_ARRAY]:
            return False
        if not hasattr(layer, "load_assets"):
            return False
        value = arrays[0].value
        if value.dtype not in FLOATS or not np.isfinite(value).all():
            self.refuse(f"layer '{layer.name}': '{arrays[0].label}' holds no finite numbers")
        self.assignments.append((_loader(layer), value))
        return True

    def refuse(self, why: str) -> NoReturn:
        raise WeightsMismatch(self.file_name, why)

    def refuse_doubt(self, texts: Sequence[str]) -> NoReturn:
        """Two layers of the file could be exchanged, and nothing but the order tells them apart."""
        self.refuse(
            f"nothing tells which is which: {'; '.join(texts[:3])}. Give the layers of the "
            'architecture the names of the file, or say "weights: order" in model.yaml '
            "if both list the layers in the same order"
        )

    def _paired(
        self, arrays: Sequence[FileArray], leaf: Leaf, label: str
    ) -> tuple[list[tuple[Variable, np.ndarray]], list[str]]:
        arrays, variables = _without_counts(list(arrays), list(leaf.variables), leaf)
        arrays, is_named = _in_order(arrays, [variable.name for variable in variables])
        shapes = [variable.shape for variable in variables]
        raw = [array.value for array in arrays]
        values, notes = convert(leaf.layer, raw, shapes, self.layout)
        if len(values) != len(shapes) or not all(map(does_fit, map(np.shape, values), shapes)):
            got = [value.shape for value in raw]
            self.refuse(
                f"layer '{leaf.label}' has weights of the shapes {shapes}, "
                f"the file's layer '{label}' {got}{_hint(leaf, raw, shapes)}"
            )
        if not is_named and self.mode != "order" and len(arrays) == len(variables):
            self._refuse_other_names(arrays, variables, leaf)
        return list(zip(variables, values, strict=True)), notes

    def _refuse_other_names(
        self, arrays: list[FileArray], variables: list[Variable], leaf: Leaf
    ) -> None:
        for array, variable in zip(arrays, variables, strict=True):
            got, wanted = _role(array.name), _role(variable.name)
            if got and wanted and got != wanted:
                self.refuse(
                    f"layer '{leaf.label}' has '{variable.name}' where the file has '{array.label}'"
                )

    def _checked(self, array: np.ndarray, variable: Variable, leaf: Leaf) -> np.ndarray:
        """The array in the variable's number type. Only real numbers, and only finite ones."""
        where = f"layer '{leaf.label}': the array for '{variable.name}'"
        if variable.kind == "float":
            if array.dtype not in FLOATS:
                self.refuse(f"{where} is of type {array.dtype}, not a plain float")
            if not np.isfinite(array).all():
                raise FileBroken(self.file_name, f"{where} holds NaN or infinity")
            size = np.float16 if variable.dtype == "float16" else np.float32
            wide = np.float64 if variable.dtype == "float64" else size
            with np.errstate(over="ignore"):
                cast = array.astype(wide, copy=False)
            if not np.isfinite(cast).all():
                self.refuse(f"{where} holds numbers too large for {variable.dtype}")
            return cast
        kinds = {"int": "iu", "bool": "b"}.get(variable.kind, "")
        if array.dtype.kind not in kinds or array.dtype != array.dtype.newbyteorder("<"):
            self.refuse(f"{where} is of type {array.dtype}, not {variable.dtype}")
        return array


def role_name(name: str) -> str:
    """The name of a variable as today's Keras has it."""
    plain = re.sub(r"_\d+$", "", name)
    return KERAS_1_NAMES.get(plain, plain)


def _in_order(arrays: list[FileArray], names: list[str]) -> tuple[list[FileArray], bool]:
    """The arrays in the order of these names, if they have exactly these names."""
    by_name = {
        array.name if array.name in names else role_name(array.name): array for array in arrays
    }
    if len(by_name) != len(arrays) or by_name.keys() != set(names):
        return arrays, False
    return [by_name[name] for name in names], True


def _without_counts(
    arrays: list[FileArray], variables: list[Variable], leaf: Leaf
) -> tuple[list[FileArray], list[Variable]]:
    """Normalization of some versions also keeps how many rows it has seen; nothing needs that."""
    if leaf.class_name == "Normalization" and len(arrays) != len(variables):
        arrays = [a for a in arrays if not (a.value.ndim == 0 and a.name in ("", "count"))]
        variables = [variable for variable in variables if variable.name != "count"]
    return arrays, variables


def _hint(leaf: Leaf, raw: list[np.ndarray], shapes: list[tuple[int, ...]]) -> str:
    """What to say about the one difference that a version of Keras brought by a default."""
    if not leaf.class_name.startswith("GRU") or len(raw) != 3 or len(shapes) != 3:
        return ""
    if raw[2].size == 2 * int(np.prod(shapes[2])):
        return "; these were written with reset_after=True"
    if 2 * raw[2].size == int(np.prod(shapes[2])):
        return "; these were written with reset_after=False"
    return ""


def _role(name: str) -> str:
    plain = role_name(name)
    return next((role for role in ROLES if role in plain), "")


def _loader(layer: Any) -> Callable[[Any], object]:
    return lambda value: layer.load_own_variables({LOOKUP_ARRAY: value})
