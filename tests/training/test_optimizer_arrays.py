"""Optimizers' arrays of every era, slot by slot."""

import numpy as np
import pytest

from service.loading.saved_training import SavedArray
from service.training.model.optimizer_arrays import (
    SlotArray,
    SlotArrays,
    find_stranger,
    sort_arrays,
)

KERNEL, BIAS = np.ones((2, 3)), np.ones(3)


def _saved(*names: str) -> list[SavedArray]:
    """Arrays that tell their place by their value."""
    return [SavedArray(name, np.asarray(index)) for index, name in enumerate(names)]


@pytest.mark.parametrize(
    "names",
    [
        ("Adam/iterations:0", "training/Adam/Variable:0", "training/Adam/Variable_1:0",
         "training/Adam/Variable_2:0", "training/Adam/Variable_3:0"),
        ("Adam/iterations:0", "training/Adam/m_0_1:0", "training/Adam/m_1_1:0",
         "training/Adam/v_0_1:0", "training/Adam/v_1_1:0"),
        ("Adam/iter:0", "Adam/dense/kernel/m:0", "Adam/dense/bias/m:0", "Adam/dense/kernel/v:0",
         "Adam/dense/bias/v:0"),
        ("iter:0", "dense/kernel/m:0", "dense/bias/m:0", "dense/kernel/v:0", "dense/bias/v:0"),
    ],
    ids=["keras 2", "keras 2.3", "tf.keras 2.0", "tf.keras 2.10"],
)  # fmt: skip
def test_slot_after_slot(names: tuple[str, ...]) -> None:
    found = sort_arrays("Adam", _saved(*names), 2)

    assert isinstance(found, SlotArrays)
    assert {slot: [int(a.value) for a in arrays] for slot, arrays in found.slots.items()} == {
        "momentum": [1, 2], "velocity": [3, 4],
    }  # fmt: skip
    assert found.steps == 0


@pytest.mark.parametrize(
    "names",
    [
        ("iteration:0", "learning_rate:0", "Adam/m/dense/kernel:0", "Adam/v/dense/kernel:0"),
        ("adam/iteration", "adam/learning_rate", "adam/net_dense_kernel_momentum",
         "adam/net_dense_kernel_velocity"),
    ],
    ids=["tf.keras 2.11", "keras 3"],
)  # fmt: skip
def test_variable_after_variable(names: tuple[str, ...]) -> None:
    found = sort_arrays("Adam", _saved(*names), 1)

    assert isinstance(found, SlotArrays)
    assert {slot: int(arrays[0].value) for slot, arrays in found.slots.items()} == {
        "momentum": 2, "velocity": 3,
    }  # fmt: skip
    assert found.slots["momentum"][0].owner.endswith("kernel")


@pytest.mark.parametrize(
    ("class_name", "old", "new"),
    [
        ("RMSprop", "rms", "velocity"),
        ("RMSprop", "mg", "average_gradient"),
        ("SGD", "momentum", "momentum"),
        ("Adadelta", "accum_var", "accumulated_delta_var"),
        ("Adamax", "v", "norm"),
        ("Adagrad", "accumulator", "accumulator"),
    ],
)
def test_old_names_of_slots(class_name: str, old: str, new: str) -> None:
    found = sort_arrays(class_name, _saved(f"{class_name}/dense/kernel/{old}:0"), 1)

    assert isinstance(found, SlotArrays)
    assert list(found.slots) == [new]


@pytest.mark.parametrize(
    ("class_name", "count", "told"),
    [
        ("Adam", 3, "the file has 4 arrays for 3 variables"),
        ("Nadam", 2, "which of the file's arrays is which can't be told for Nadam"),
    ],
)
def test_says_why_it_can_not_tell(class_name: str, count: int, told: str) -> None:
    arrays = _saved("Adam/iterations:0", *(f"training/Adam/Variable_{i}:0" for i in range(4)))

    assert sort_arrays(class_name, arrays, count) == told


@pytest.mark.parametrize(
    ("owners", "stranger"),
    [
        (["Adam/dense/kernel", "Adam/dense/bias", "Adam/lstm/kernel"], ""),
        (["old_dense/kernel", "old_dense/bias", "old_lstm/lstm_cell/kernel"], ""),
        (["net_dense_kernel", "net_dense_bias", "net_lstm_lstm_cell_kernel"], ""),
        (["", "", ""], ""),
        (["dense/bias", "dense/kernel", "lstm/kernel"], "dense/bias"),
        (["lstm/kernel", "dense/bias", "dense/kernel"], "lstm/kernel"),
        (["dense_kernel", "dense_bias", "dense_kernel"], "dense_kernel"),
    ],
    ids=["same", "renamed", "flat", "nameless", "roles", "layers", "flat layers"],
)
def test_finds_names_that_contradict(owners: list[str], stranger: str) -> None:
    arrays = [SlotArray(np.zeros(1), owner) for owner in owners]

    found = find_stranger(arrays, ["dense/kernel", "dense/bias", "lstm/lstm_cell/kernel"])

    assert found == stranger
