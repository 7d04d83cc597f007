"""Build the Keras model of an inspected version; called in a child process only."""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from service.base.errors import FileRefused, ModelUnsupported, WeightsMismatch
from service.loading.archive import open_archive
from service.loading.hdf5 import kind_of_hdf5, legacy_layers, open_hdf5, weights_group
from service.loading.inspection import Inspection
from service.loading.upgrade import upgrade
from service.loading.weights import assign_legacy

logger = logging.getLogger(__name__)


@keras.saving.register_keras_serializable("kerasd", "legacy_hard_sigmoid")  # type: ignore[untyped-decorator]
def legacy_hard_sigmoid(x: Any) -> Any:
    """hard_sigmoid as Keras 1 and 2 had it: clip(0.2 x + 0.5, 0, 1)."""
    return keras.ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


def build(inspection: Inspection, files: Mapping[str, Path]) -> tuple[keras.Model, list[str]]:
    """The model with its weights, and the names of the rules that its configuration needed.

    Raises ModelUnsupported when Keras can't build it, WeightsMismatch when the weights don't fit.
    """
    inspection.refuse_if_unsafe()
    weights = files[inspection.weights_file]
    config, rules = _upgraded(inspection)
    if inspection.format == "keras":
        model = _from_archive(inspection, config, weights)
    else:
        model = _from_config(inspection.architecture_file, config)
        rules += _load_weights(model, weights, inspection.weights_file)
    _check_input_shape(model, inspection)
    return model, rules


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn whatever Keras raises on a file it can't build into one refusal."""
    try:
        yield
    except (FileRefused, MemoryError):
        raise
    except Exception as error:  # Keras raises at least eighteen different classes here
        logger.debug("keras refused", exc_info=True)
        reason = str(error).rsplit("Exception encountered: ", 1)[-1]  # before it, whole configs
        text = " ".join(reason.split())[:500]
        raise ModelUnsupported(name, f"{type(error).__name__}: {text}") from error


def _upgraded(inspection: Inspection) -> tuple[dict[str, Any], list[str]]:
    try:
        config, rules = upgrade(inspection.config, inspection.keras_version)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelUnsupported(
            inspection.architecture_file, f"its configuration is not understood: {error}"
        ) from error
    return {k: v for k, v in config.items() if k not in ("keras_version", "backend")}, rules


def _from_archive(inspection: Inspection, config: dict[str, Any], path: Path) -> keras.Model:
    """Have Keras read the archive with the configuration that we looked at, and no other."""
    with tempfile.TemporaryDirectory() as folder:
        rewritten = Path(folder) / "model.keras"
        with open_archive(path) as archive:
            archive.rewrite(rewritten, config)
        with refusing(inspection.architecture_file):
            return keras.saving.load_model(rewritten, compile=False, safe_mode=True)


def _from_config(name: str, config: dict[str, Any]) -> keras.Model:
    with refusing(name):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        if not model.built:
            raise ModelUnsupported(name, "the file says nowhere what shape the model's input has")
        return model


def _load_weights(model: keras.Model, path: Path, name: str) -> list[str]:
    with open_hdf5(path) as file:
        is_legacy = kind_of_hdf5(file) != "keras3_weights"
        layers = legacy_layers(weights_group(file, name)) if is_legacy else []
    if is_legacy:
        return [f"weights_by_{assign_legacy(model, layers, name).by}"]
    with _named(path, "model.weights.h5") as link:
        try:
            model.load_weights(link)
        except (ValueError, KeyError, OSError) as error:
            raise WeightsMismatch(name, " ".join(str(error).split())[:500]) from error
    return ["weights_by_path"]


def _check_input_shape(model: keras.Model, inspection: Inspection) -> None:
    """The silent error of Keras 2 files: a model built with a dimension too many."""
    declared = [layer.shape for layer in inspection.layers if layer.shape]
    built = [list(tensor.shape) for tensor in model.inputs]
    if declared and len(built) == 1 and len(declared[0]) != len(built[0]):
        raise ModelUnsupported(
            inspection.architecture_file,
            f"the file declares inputs of shape {declared[0]}, but {built[0]} was built",
        )


@contextmanager
def _named(path: Path, name: str) -> Iterator[Path]:
    """The same file under a name that Keras accepts: it goes by the suffix."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / name
        link.symlink_to(path.absolute())
        yield link
