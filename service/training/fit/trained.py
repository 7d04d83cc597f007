"""From rows to the files of a candidate: prepared, fitted, written down; done once for a job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from service.base.durable import storing, sync
from service.jobs.attempt import Attempt
from service.recipe.retrain import RetrainRequest
from service.training.data.rows import Rows, TrainingData
from service.training.kept import WHERE, keep, read_kept
from service.training.publication.candidate import (
    CANDIDATE,
    Candidate,
    forms_of,
    read_candidate,
    write_candidate,
)
from service.training.publication.lineage import shortened
from service.training.source_version import SourceVersion

RECORD = "trained.json"
EXPECTED = "expected.npy"
EXPECTED_ROWS = 32
LIBRARIES = ("kerasd", "keras", "tensorflow", "tensorflow-cpu", "numpy")


@dataclass(frozen=True, slots=True)
class Trained:
    """A candidate, how it came to be, and what the model answered to the first rows."""

    candidate: Candidate
    record: Mapping[str, Any]
    expected: np.ndarray


def read_trained(folder: Path) -> Trained | None:
    """What an earlier attempt has trained to its end; none if none has."""
    record = read_kept(folder / RECORD)
    if record is None or not (folder / CANDIDATE).is_dir():
        return None
    expected = np.load(folder / EXPECTED, allow_pickle=False)
    return Trained(read_candidate(folder), record, expected)


def train(
    request: RetrainRequest, source: SourceVersion, data: TrainingData, attempt: Attempt
) -> Trained:
    """Prepare and fit the model, and keep it in the job's folder.

    Raises FileRefused, StorageFull, Cancelled, Superseded.
    """
    from service.training.fit.fitting import fit  # TensorFlow: some seconds
    from service.training.model.preparing import prepare

    folder = attempt.folder
    forms = forms_of(source.files)  # in the end they may be gone
    prepared = prepare(request, source, data)
    attempt.event("prepared", **shortened(prepared.report))
    fitted = fit(prepared, data, request, attempt)
    record = {**fitted.as_json(), "prepared": prepared.report, "libraries": _libraries()}
    attempt.check()
    with storing(WHERE):
        np.save(folder / EXPECTED, answers_of(fitted.model, first_rows(data)), allow_pickle=False)
        sync(folder / EXPECTED)
    keep(folder / RECORD, record)
    write_candidate(fitted.model, forms, folder, attempt.check)
    found = read_trained(folder)
    assert found is not None
    return found


def first_rows(data: TrainingData) -> Rows:
    """A few rows of the part that is never empty, to tell a model by its answers."""
    rows = data.train
    inputs = {name: np.asarray(values[:EXPECTED_ROWS]) for name, values in rows.inputs.items()}
    return Rows(inputs, np.asarray(rows.labels[:EXPECTED_ROWS]))


def answers_of(model: Any, rows: Rows) -> np.ndarray:
    """The first output of a Keras model, as it answers when it doesn't learn."""
    import tensorflow as tf

    from service.loading.tracing.keras_graph import input_structure

    tensors = [tf.constant(values) for values in rows.inputs.values()]
    packed = tf.nest.pack_sequence_as(input_structure(model), tensors)
    output: np.ndarray = tf.nest.flatten(model(packed, training=False))[0].numpy()
    return output


def _libraries() -> dict[str, str]:
    return {name: found for name in LIBRARIES if (found := _version(name))}


def _version(name: str, find: Callable[[str], str] = version) -> str:
    try:
        return find(name)
    except PackageNotFoundError:
        return ""
