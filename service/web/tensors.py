"""One tensor out of parsed JSON, exactly: every leaf's type and range, every list's length."""

import base64
import binascii
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from service.base.errors import TensorInvalid
from service.base.signature import STRING, TensorSpec, shape_text

MAX_SHOWN = 40


class Reader:
    """Walks one tensor's nested lists; the path of what is wrong grows on the way back."""

    def __init__(self, spec: TensorSpec, root: str, key: str) -> None:
        self._root = root
        self._key = key
        self._rank = len(spec.shape)
        self._shape: list[int | None] = list(spec.shape)
        self._spec = spec
        self._leaf = _leaf_reader(spec)
        self.flat: list[Any] = []

    def read(self, value: Any) -> np.ndarray:
        """The tensor. Raises TensorInvalid with the path of the first fault."""
        self._walk(value, [])
        array = np.empty(len(self.flat), dtype=self._spec.numpy_dtype)
        with np.errstate(over="ignore"):
            array[:] = self.flat
        return array.reshape([axis or 0 for axis in self._shape])

    def _walk(self, value: Any, path: list[int]) -> None:
        depth = len(path)
        if depth == self._rank:
            self.flat.append(self._read_leaf(value, path))
            return
        if not isinstance(value, list):
            wanted = f"a list (shape {shape_text(self._spec.item_shape)} for each instance)"
            raise TensorInvalid(self._where(path), wanted, _show(value))
        length = self._shape[depth]
        if length is None:
            if not value:
                raise TensorInvalid(self._where(path), "at least one element", "an empty list")
            self._shape[depth] = len(value)
        elif len(value) != length:
            raise TensorInvalid(self._where(path), f"{length} elements", str(len(value)))
        for index, item in enumerate(value):
            self._walk(item, [*path, index])

    def _read_leaf(self, value: Any, path: list[int]) -> Any:
        try:
            return self._leaf(value)
        except ValueError as error:
            raise TensorInvalid(self._where(path), str(error), _show(value)) from None

    def _where(self, path: list[int]) -> str:
        if self._key and path:  # the key stands behind the number of the instance
            inner = "".join(f"[{index}]" for index in path[1:])
            return f"{self._root}[{path[0]}].{self._key}{inner}"
        return self._root + "".join(f"[{index}]" for index in path)


def to_tensor(value: Any, spec: TensorSpec, root: str, key: str = "") -> np.ndarray:
    """A tensor of the spec's dtype and shape out of nested lists. Raises TensorInvalid.

    `root` and `key` name the place in the request: `instances[3].key[0]`, or `inputs.x[3][0]`.
    """
    tensor = Reader(spec, root, key).read(value)
    check_values(tensor, spec, f"{root}: {key}" if key else root)
    return tensor


def all_finite(tensor: np.ndarray) -> bool:
    """True if no element is infinite or NaN; one pass in the usual case."""
    flat = tensor.reshape(-1)
    # Whatever isn't finite makes the sum of squares so; so does a very large number, rarely.
    return math.isfinite(np.vdot(flat, flat)) or bool(np.isfinite(tensor).all())


def check_values(tensor: np.ndarray, spec: TensorSpec, where: str) -> None:
    """Refuse numbers that the dtype turned into infinity and indices outside of a vocabulary."""
    if tensor.dtype.kind == "f" and not all_finite(tensor):
        index = tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(tensor)))
        place = where + "".join(f"[{axis}]" for axis in index)
        raise TensorInvalid(place, f"a number within the range of {spec.dtype}", "a larger one")
    if spec.vocabulary is not None:
        wrong = (tensor < 0) | (tensor >= spec.vocabulary) | (tensor != np.trunc(tensor))
        if wrong.any():
            index = tuple(int(axis[0]) for axis in np.nonzero(wrong))
            place = where + "".join(f"[{axis}]" for axis in index)
            wanted = f"a whole number from 0 to {spec.vocabulary - 1}"
            raise TensorInvalid(place, wanted, str(tensor[index]))


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


def _show(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, str):
        return f'the string "{value[:MAX_SHOWN]}"'
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)[:MAX_SHOWN]
