"""What building has in common for both engines: the result, its weights' file, and refusals."""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.base.load_options import LoadOptions
from service.base.refusals import FileRefused, ModelUnsupported
from service.loading.files.archive import open_archive
from service.loading.inspected import Inspection
from service.loading.reasons import reason_of
from service.loading.weights.assignment import WeightOptions

logger = logging.getLogger(__name__)

WEIGHTS_MEMBER = "model.weights.h5"
ASSETS = "assets"
LAYERS_OF_2_12 = "_layer_checkpoint_dependencies"  # what Keras 2.12 and 2.13 called the folder


@dataclass(frozen=True, slots=True)
class Built:
    """A model with its weights; `notes` tell which rules and conversions it needed.

    `renamed` maps names of layers to those that the file has for them.
    """

    model: Any
    notes: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn whatever Keras raises on a file it can't build into one refusal."""
    try:
        yield
    except (FileRefused, MemoryError):
        raise
    except Exception as error:  # Keras raises at least eighteen different classes here
        logger.debug("keras refused", exc_info=True)
        raise ModelUnsupported(name, reason_of(error)) from error


def weight_options(
    inspection: Inspection, options: LoadOptions, dim_ordering: str
) -> WeightOptions:
    """How the weights are to be matched: what the operator says, and what the file tells."""
    return WeightOptions(
        mode=options.weights,
        kernels=options.theano_kernels,
        keras_version=inspection.keras_version,
        backend=inspection.backend,
        dim_ordering=dim_ordering,
    )


@contextmanager
def weights_file(
    inspection: Inspection, files: Mapping[str, Path]
) -> Iterator[tuple[Path, Path | None]]:
    """The file with the weights, and the folder of vocabularies where an archive has one."""
    path = files[inspection.weights_file]
    if inspection.format != "keras":
        yield path, None
        return
    with tempfile.TemporaryDirectory() as folder, open_archive(path) as archive:
        assets = archive.extract_below(ASSETS, Path(folder))
        if assets is not None:
            for old in sorted(assets.rglob(LAYERS_OF_2_12), reverse=True):  # the innermost first
                old.rename(old.with_name("layers"))
        with archive.extracted(WEIGHTS_MEMBER) as weights:
            yield weights, assets
