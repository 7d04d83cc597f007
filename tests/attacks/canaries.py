"""What a loader that can be led astray would read; if it turns up anywhere, it was."""

import os

import h5py
import numpy as np

from tests.attacks.case import Corpus

WORD = "CANARY-31337-DO-NOT-LEAK"
NUMBER = 31337.0
SHAPES = {"d1": (4, 3), "d2": (3, 2)}


def write_canaries(corpus: Corpus) -> None:
    """Write the secrets: a text, raw numbers, weights that would fit, and a FIFO to hang on."""
    folder = corpus.canary
    lines = "".join(f"line-{number}\n" for number in range(2, 8))
    (folder / "secret.txt").write_text(f"{WORD}\n{lines}")
    np.full(64, NUMBER, "<f4").tofile(folder / "secret.f32")
    with h5py.File(folder / "target.h5", "w") as file:
        for layer, shape in SHAPES.items():
            _write_layer(file, layer, shape)
        file["flat"] = np.full(64, NUMBER, "f4")
        file["k43"] = np.full((4, 3), NUMBER, "f4")
    if not (folder / "fifo").exists():
        os.mkfifo(folder / "fifo")


def _write_layer(file: h5py.File, layer: str, shape: tuple[int, int]) -> None:
    """One layer in the places of both eras."""
    arrays = {"kernel": np.full(shape, NUMBER, "f4"), "bias": np.full(shape[1:], NUMBER, "f4")}
    group = file.create_group(f"model_weights/{layer}")
    group.attrs["weight_names"] = [f"sequential/{layer}/{name}".encode() for name in arrays]
    for index, (name, array) in enumerate(arrays.items()):
        group[f"sequential/{layer}/{name}"] = array
        file[f"layers/{layer}/vars/{index}"] = array
