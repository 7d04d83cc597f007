"""A data set goes through the disk unchanged."""

from pathlib import Path

import numpy as np

from service.base.signature import Tensors
from service.data.dataset import Dataset
from service.data.stored import open_dataset, save_dataset


def test_what_is_stored_is_what_is_opened(tmp_path: Path) -> None:
    inputs: Tensors = {"../a": np.ones((3, 2), np.float32), "b": np.arange(3)}
    dataset = Dataset(inputs, np.array([0, 1, 1]), 3, {"no": 1, "yes": 2})

    record = save_dataset(dataset, tmp_path / "dataset")
    opened = open_dataset(tmp_path / "dataset", record)

    assert (opened.rows, opened.counts) == (3, {"no": 1, "yes": 2})
    assert opened.labels.tolist() == [0, 1, 1]
    assert opened.inputs.keys() == inputs.keys()
    for name, values in inputs.items():
        assert np.array_equal(opened.inputs[name], values)
        assert opened.inputs[name].dtype == values.dtype
    assert {path.name for path in (tmp_path / "dataset").iterdir()} == {
        "input-0.npy", "input-1.npy", "labels.npy"
    }  # fmt: skip
