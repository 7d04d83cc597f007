"""Divided rows go through the disk unchanged."""

from pathlib import Path

import numpy as np

from service.base.signature import Tensors
from service.data.dataset import Dataset
from service.data.dividing import Divided, Part
from service.data.stored import open_divided, save_divided


def test_what_is_stored_is_what_is_opened(tmp_path: Path) -> None:
    inputs: Tensors = {"../a": np.arange(6, dtype=np.float32).reshape(3, 2), "b": np.arange(3)}
    weights = np.array([1, 0.5, 0], np.float32)
    data = Dataset(inputs, np.array([0, 1, 1]), 3, {"no": 1, "yes": 2}, weights)
    rows = np.array([2, 0])
    divided = Divided({"train": Part(data, rows), "held_out": Part(data)}, {"rows": 5})

    save_divided(divided, tmp_path / "data")
    parts, facts = open_divided(tmp_path / "data")

    assert facts == {"rows": 5}
    for name, chosen in (("train", rows), ("held_out", np.arange(3))):
        assert parts[name].labels.tolist() == data.labels[chosen].tolist()
        kept = parts[name].weights
        assert kept is not None
        assert kept.tolist() == weights[chosen].tolist()
        for key, values in inputs.items():
            assert np.array_equal(parts[name].inputs[key], values[chosen])
            assert parts[name].inputs[key].dtype == values.dtype
            assert isinstance(parts[name].inputs[key], np.memmap)


def test_a_part_may_be_empty(tmp_path: Path) -> None:
    data = Dataset({"x": np.ones((2, 3))}, np.array([0, 1]), 2, {})

    save_divided(Divided({"train": Part(data, np.array([], np.int64))}, {}), tmp_path / "data")
    parts, _ = open_divided(tmp_path / "data")

    assert parts["train"].inputs["x"].shape == (0, 3)
    assert parts["train"].weights is None
