"""One tensor out of parsed JSON, exactly: every leaf's type and range, every list's length."""

import base64
import binascii
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.base.errors import TensorInvalid
from service.base.signature import STRING, TensorSpec, shape_text

MAX_SHOWN = 40
FEW_NUMBERS = 8192  # up to here a dot product of doubles stays in one thread

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a tensor, where in it, and what was expected there."""

    path: Path
    expected: str
    got: str


class Misfit(Exception):
    """Nested lists that aren't the tensor; never leaves the protocol, which words it.

    `leaf` has one value, or none: what was found in the place of an element.
    """

    def __init__(self, fault: Fault, *leaf: Any) -> None:
        super().__init__(fault.expected)
        self.fault = fault
        self.leaf = leaf


class Reader:
    """Walks one tensor's nested lists; the path of what is wrong grows on the way."""

    def __init__(self, spec: TensorSpec) -> None:
        self._rank = len(spec.shape)
        self._shape: list[int | None] = list(spec.shape)
        self._spec = spec
        self._leaf = _leaf_reader(spec)
        self._flat: list[Any] = []

    def read(self, value: Any) -> np.ndarray:
        """The tensor. Raises Misfit for the first fault."""
        self._walk(value, ())
        shape = [axis or 0 for axis in self._shape]
        if self._spec.dtype.startswith("float"):
            return self._narrow(np.array(self._flat, np.float64).reshape(shape))
        array = np.empty(len(self._flat), dtype=self._spec.numpy_dtype)
        array[:] = self._flat
        return array.reshape(shape)

    def _narrow(self, wide: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            tensor = wide.astype(self._spec.dtype)
        beyond = np.isinf(tensor) & np.isfinite(wide)
        if beyond.any():
            raise Misfit(_out_of_range(beyond, self._spec, "a larger one"))
        return tensor

    def _walk(self, value: Any, path: Path) -> None:
        depth = len(path)
        if depth == self._rank:
            self._read_leaf(value, path)
            return
        if not isinstance(value, list):
            wanted = f"a list (shape {shape_text(self._spec.item_shape)} for each instance)"
            raise Misfit(Fault(path, wanted, show(value)))
        length = self._shape[depth]
        if length is None:
            if not value:
                raise Misfit(Fault(path, "at least one element", "an empty list"))
            self._shape[depth] = len(value)
        elif len(value) != length:
            raise Misfit(Fault(path, f"{length} elements", str(len(value))))
        for index, item in enumerate(value):
            self._walk(item, (*path, index))

    def _read_leaf(self, value: Any, path: Path) -> None:
        try:
            self._flat.append(self._leaf(value))
        except ValueError as error:
            raise Misfit(Fault(path, str(error), show(value)), value) from None


def read_tensor(value: Any, spec: TensorSpec, allow_non_finite: bool = False) -> np.ndarray:
    """A tensor of the spec's dtype and shape out of nested lists. Raises Misfit."""
    tensor = Reader(spec).read(value)
    fault = find_fault(tensor, spec, allow_non_finite)
    if fault is not None:
        raise Misfit(fault)
    return tensor


def to_tensor(
    value: Any, spec: TensorSpec, root: str, key: str = "", allow_non_finite: bool = False
) -> np.ndarray:
    """As `read_tensor`, but raises TensorInvalid.

    `root` and `key` name the place in the request: `instances[3].key[0]`, or `inputs.x[3][0]`.
    """
    try:
        return read_tensor(value, spec, allow_non_finite)
    except Misfit as misfit:
        raise _invalid(misfit.fault, root, key) from None


def check_values(
    tensor: np.ndarray, spec: TensorSpec, where: str, allow_non_finite: bool = False
) -> None:
    """Refuse what isn't finite and indices outside of a vocabulary. Raises TensorInvalid."""
    fault = find_fault(tensor, spec, allow_non_finite)
    if fault is not None:
        raise _invalid(fault, where)


def find_fault(tensor: np.ndarray, spec: TensorSpec, allow_non_finite: bool) -> Fault | None:
    """The first number that the model can't take, if there is one."""
    if not allow_non_finite and tensor.dtype.kind == "f" and not all_finite(tensor):
        wrong = ~np.isfinite(tensor)
        got = "NaN" if np.isnan(tensor[_first(wrong)]) else "infinity"
        return _out_of_range(wrong, spec, got)
    if spec.vocabulary is not None and not _all_within(tensor, spec.vocabulary):
        wrong = ~((tensor >= 0) & (tensor < spec.vocabulary) & (tensor == np.trunc(tensor)))
        path = _first(wrong)
        return Fault(path, f"a whole number from 0 to {spec.vocabulary - 1}", str(tensor[path]))
    return None


def all_finite(tensor: np.ndarray) -> bool:
    """True if no element is infinite or NaN; one pass in the usual case."""
    if tensor.itemsize == 4 or tensor.size <= FEW_NUMBERS:
        flat = tensor.reshape(-1)
        # Whatever isn't finite makes the sum of squares so; so does a very large number, rarely.
        if math.isfinite(np.vdot(flat, flat)):
            return True
    return bool(np.isfinite(tensor).all())


def where(path: Path, root: str, key: str = "") -> str:
    """A place in the request; a key stands behind the number of the instance."""
    if key and path:
        return f"{root}[{path[0]}].{key}{_indices(path[1:])}"
    return root + _indices(path)


def show(value: Any) -> str:
    """A short word for a JSON value, for messages."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, str):
        return f'the string "{value[:MAX_SHOWN]}"'
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)[:MAX_SHOWN]


def _invalid(fault: Fault, root: str, key: str = "") -> TensorInvalid:
    return TensorInvalid(where(fault.path, root, key), fault.expected, fault.got)


def _indices(path: Path) -> str:
    return "".join(f"[{index}]" for index in path)


def _out_of_range(wrong: np.ndarray, spec: TensorSpec, got: str) -> Fault:
    return Fault(_first(wrong), f"a number within the range of {spec.dtype}", got)


def _first(wrong: np.ndarray) -> Path:
    return tuple(int(axis) for axis in np.unravel_index(int(wrong.argmax()), wrong.shape))


def _all_within(tensor: np.ndarray, vocabulary: int) -> bool:
    if tensor.size == 0:
        return True
    if not (tensor.min() >= 0 and tensor.max() < vocabulary):  # also for NaN
        return False
    return tensor.dtype.kind in "iu" or bool((tensor == np.trunc(tensor)).all())


def _leaf_reader(spec: TensorSpec) -> Callable[[Any], Any]:
    if spec.dtype == STRING:
        return _read_string
    if spec.dtype == "bool":
        return _read_bool
    if spec.dtype.startswith(("int", "uint")):
        limits = np.iinfo(spec.dtype)
        low, high = int(limits.min), int(limits.max)

        def read_integer(value: Any) -> int:
            if type(value) is not int:
                raise ValueError("a whole number")
            if not low <= value <= high:
                raise ValueError(f"a whole number from {low} to {high}")
            return value

        return read_integer
    return _read_number


def _read_number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError("a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("a number within the range of a float") from None


def _read_bool(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def _read_string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError("base64 of UTF-8 text") from None
    raise ValueError("a string")
