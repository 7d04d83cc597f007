"""What an HDF5 file of Keras holds beside its configuration, told by its groups alone."""

from collections.abc import Iterable

import h5py

from service.loading.files.hdf5 import kind_of_hdf5, list_attribute

STEP_COUNTERS = 2  # iterations and learning rate: written even when nothing was trained


def layer_names(file: h5py.File) -> list[str]:
    """The layers of a weights file, by the names that it has for them."""
    if kind_of_hdf5(file) == "legacy_weights":
        return list_attribute(file, "layer_names")
    for name in ("layers", "_layer_checkpoint_dependencies"):
        group = file.get(name)
        if isinstance(group, h5py.Group):
            return list(group)
    return list(file)


def array_names(weights: h5py.Group) -> list[str]:
    """The arrays that a group of the legacy layout lists, by their whole names."""
    layers = [weights.get(name) for name in list_attribute(weights, "layer_names")]
    groups = [layer for layer in layers if isinstance(layer, h5py.Group)]
    return [name for group in groups for name in list_attribute(group, "weight_names")]


def keras_1_backend(names: Iterable[str]) -> str:
    """Keras 1 recorded no backend, but TensorFlow's variables are called `dense_1_W:0`."""
    return "tensorflow" if any(name.endswith(":0") for name in names) else "theano"


def has_optimizer_state(file: h5py.File) -> bool:
    """True when the optimizer's slots are in the file, not only its counters."""
    group = file.get("optimizer_weights")
    if isinstance(group, h5py.Group):
        return len(list_attribute(group, "weight_names")) > STEP_COUNTERS
    variables = file.get("optimizer/vars")
    return isinstance(variables, h5py.Group) and len(variables) > STEP_COUNTERS
