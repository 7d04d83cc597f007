"""Ask for a model to be prepared: versions out of files, rows out of arrays."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from service.base.compiled import digest_file
from service.base.load_options import LoadOptions
from service.recipe.retrain import RetrainRequest
from service.training.data.rows import DataFacts, Rows, TrainingData
from service.training.model.prepared import Prepared
from service.training.source_version import SourceVersion

Inputs = np.ndarray | Mapping[str, np.ndarray]


def version_of(
    *files: Path, weights_file: Path | None = None, options: LoadOptions | None = None
) -> SourceVersion:
    """Version 1 of a model, of these files."""
    named = {path.name: path for path in files}
    digests = {name: digest_file(path) for name, path in named.items()}
    return SourceVersion(
        "model", 1, named, digests, options or LoadOptions(), weights_file=weights_file
    )


def request_of(**parts: Any) -> RetrainRequest:
    """A request with these parts; its data are the caller's own."""
    return RetrainRequest.model_validate({"data": {"file": "unread.csv"}, **parts})


def data_of(inputs: Inputs, labels: np.ndarray, classes: int = 0) -> TrainingData:
    """Rows to train and validate with; as many classes, or numbers."""
    by_name = dict(inputs) if isinstance(inputs, Mapping) else {"inputs": inputs}
    rows = Rows(by_name, labels)
    facts = DataFacts("", len(labels), {}, {}, {}, {})
    return TrainingData(rows, rows, rows, facts, tuple(map(str, range(classes))))


def prepared(source: SourceVersion, data: TrainingData, **parts: Any) -> Prepared:
    """What comes of a request with these parts."""
    from service.training.model.preparing import prepare

    return prepare(request_of(**parts), source, data)


def states(prepared: Prepared) -> dict[str, str]:
    """Whether each variable was loaded or is fresh, by its name in the report."""
    variables = prepared.report["init"]["weights"]["variables"]
    return {each["variable"]: each["state"] for each in variables}
