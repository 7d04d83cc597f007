"""Weights that don't belong to the architecture, or aren't numbers that it can take."""

from typing import Any

import h5py
import numpy as np

from tests.attacks.base import Base, Edit, edited_archive, edited_both, edited_h5
from tests.attacks.case import Case, Corpus
from tests.attacks.family import MISMATCH

NAME_LAYER = "refuse; name the layer"
SHAPES = (("wider", (4, 5)), ("transposed", (3, 4)), ("scalar", ()), ("rank3", (1, 4, 3)))
CONVERTIBLE = ("f64be", "i8", "bool")


def add_misfits(corpus: Corpus, base: Base) -> None:
    """Write every case in which architecture and weights disagree."""
    for name, shape in SHAPES:
        attacks = f"kernel shape {shape} where the config says (4, 3)"
        must = "refuse; name the layer and both shapes"
        edited_both(corpus, base, Case(f"w_shape_{name}", MISMATCH, attacks, must), _shaped(shape))
    _add_missing(corpus, base)
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        must = "refuse at publication (non-finite weight), or load and say so in the model's status"
        draft = Case(f"w_{name}", MISMATCH, f"one weight is {value}", must, either=True)
        edited_both(corpus, base, draft, _with_first(value))
    for name, dtype in _dtypes():
        must = "refuse: not the layer's number type"
        either = name in CONVERTIBLE
        attacks = f"kernel stored as {name}"
        draft = Case(f"w_dtype_{name}", MISMATCH, attacks, must, either=either)
        edited_both(corpus, base, draft, _typed(dtype))


def _add_missing(corpus: Corpus, base: Base) -> None:
    """Too little, too much, or in another order."""
    draft = Case("w_missing_kernel", MISMATCH, "kernel dataset missing", NAME_LAYER)
    edited_both(corpus, base, draft, _without_kernel)
    attacks = "a layer's group missing"
    draft = Case("w_missing_layer_h5", MISMATCH, attacks, NAME_LAYER)
    edited_h5(corpus, base, draft, lambda f, _g, _k: f["model_weights"].__delitem__("d2"))
    draft = Case("w_missing_layer_keras", MISMATCH, attacks, NAME_LAYER)
    edited_archive(corpus, base, draft, lambda f, _g, _k: f["layers"].__delitem__("dense_1"))
    must = "refuse: file holds weights the architecture does not"
    draft = Case("w_extra_dataset", MISMATCH, "an extra dataset in a layer", must)
    edited_both(corpus, base, draft, _with_extra)
    draft = Case("w_swapped_order_h5", MISMATCH, "layer order swapped", NAME_LAYER)
    edited_h5(corpus, base, draft, _swapped)


def _dtypes() -> tuple[tuple[str, Any], ...]:
    return (
        ("f64be", ">f8"),
        ("i8", "i1"),
        ("complex", "c8"),
        ("bool", "?"),
        ("string", "S8"),
        ("vlen", h5py.string_dtype()),
        ("compound", np.dtype([("a", "f4"), ("b", "i4")])),
        ("ref", h5py.ref_dtype),
    )


def _shaped(shape: tuple[int, ...]) -> Edit:
    def edit(file: h5py.File, group: str, key: str) -> None:
        del file[group][key]
        file[group][key] = np.zeros(shape, "f4")

    return edit


def _typed(dtype: Any) -> Edit:
    def edit(file: h5py.File, group: str, key: str) -> None:
        del file[group][key]
        file[group].create_dataset(key, (4, 3), dtype)

    return edit


def _with_first(value: float) -> Edit:
    def edit(file: h5py.File, group: str, key: str) -> None:
        file[group][key][0, 0] = value

    return edit


def _without_kernel(file: h5py.File, group: str, key: str) -> None:
    del file[group][key]


def _with_extra(file: h5py.File, group: str, _key: str) -> None:
    file[group]["99"] = np.zeros(3, "f4")


def _swapped(file: h5py.File, _group: str, _key: str) -> None:
    file["model_weights"].attrs["layer_names"] = [b"d2", b"d1"]
