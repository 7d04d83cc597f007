"""Sizes that a weights file declares without storing them."""

import h5py
import numpy as np

from tests.attacks.base import Base, Edit, edited_both, edited_h5
from tests.attacks.case import Case, Corpus
from tests.attacks.family import RESOURCE

BUDGET = "refuse from the declared sizes, before memory grows past the budget"
SIDE, TILE = 1 << 14, 1 << 11


def add_declared(corpus: Corpus, base: Base) -> None:
    """Write every case of an HDF5 file that is larger inside than outside."""

    def add(case: str, attacks: str, edit: Edit, ref: str = "") -> None:
        edited_both(corpus, base, Case(case, RESOURCE, attacks, BUDGET, ref=ref), edit)

    add(
        "h5_shape_bomb_huge",
        "HDF5 dataset declares 4 TiB, stores 0",
        _hollow((1 << 20, 1 << 20), (64, 64)),
        "CVE-2026-0897 CVE-2026-12570",
    )
    add(
        "h5_shape_bomb_under_floor",
        "HDF5 dataset declares 3.9 GiB (under Keras' 4 GiB floor), stores 0",
        _hollow((1 << 15, 31 << 10), (64, 64)),
        "floor in 3.15.1 source",
    )
    add(
        "h5_shape_bomb_u1",
        "HDF5 dataset of 2**32-1 bytes, stores 0",
        _hollow(((1 << 32) - 1,), (1 << 20,), "u1"),
    )
    add(
        "h5_shape_bomb_int64",
        "HDF5 dataset of 2**62 elements",
        _hollow((1 << 62,), (1 << 20,), "u1"),
        "CVE-2026-0897",
    )
    add("h5_gzip_bomb_1g", "HDF5 gzip dataset: 1 GiB of zeros in ~1 MB", _zeros)
    draft = Case(
        "h5_layer_names_6000_h5",
        RESOURCE,
        "layer_names repeats one layer 6000 times",
        "refuse: layer count mismatch",
    )
    edited_h5(corpus, base, draft, _repeated_names)


def _hollow(shape: tuple[int, ...], chunks: tuple[int, ...], dtype: str = "f4") -> Edit:
    def edit(file: h5py.File, group: str, key: str) -> None:
        del file[group][key]
        file[group].create_dataset(key, shape, dtype, chunks=chunks)

    return edit


def _zeros(file: h5py.File, group: str, key: str) -> None:
    del file[group][key]
    dataset = file[group].create_dataset(
        key, (SIDE, SIDE), "f4", chunks=(TILE, TILE), compression="gzip", compression_opts=9
    )
    block = np.zeros((TILE, TILE), "f4")
    for row in range(0, SIDE, TILE):
        for column in range(0, SIDE, TILE):
            dataset[row : row + TILE, column : column + TILE] = block


def _repeated_names(file: h5py.File, _group: str, _key: str) -> None:
    attributes = file["model_weights"].attrs
    attributes.create("junk", np.zeros(8000, "f8"))
    attributes["layer_names"] = np.array([b"d1"] * 6000, dtype="S2")
