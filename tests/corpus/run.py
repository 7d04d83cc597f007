"""Serve the corpus with one real service, and compare its answers with the reference.

python -m tests.corpus.run [--tier smoke|full] [--only NAME ...] [--cache DIR] [--write PAGE]
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from service.base.compiled import Compiled, read_compiled
from service.base.signature import Tensors
from tests.corpus.fetch import DEFAULT_CACHE, fetch
from tests.corpus.golden import difference, read_golden
from tests.corpus.manifest import CLASSES, FOLDER, CorpusModel, read_manifest
from tests.corpus.table import Row, table, write_table
from tests.running import RunningService, running, wait_until

VERSION = 1
COMPILE_S = 60  # for each model, at the worst
NUMBERS_A_REQUEST = 60_000


def run(models: Sequence[CorpusModel], cache: Path) -> list[Row]:
    """Serve the models, which lie in the cache, and compare each; one row a model."""
    with tempfile.TemporaryDirectory(dir=cache, prefix="_run-") as folder:
        repository = lay_out(models, cache, Path(folder) / "repository")
        with running(repository, Path(folder) / "state", **settings(models, cache)) as service:
            wait_until(
                lambda: _is_settled(service, len(models)),
                f"all READY or FAILED; see {service.log}",
                COMPILE_S * (1 + len(models)),
            )
            service.wait_ready()
            return [compare(service, model) for model in models]


def lay_out(models: Sequence[CorpusModel], cache: Path, repository: Path) -> Path:
    """A repository of these models, of links to the cache's files."""
    for model in models:
        for file in model.part.files:
            path = repository / model.name / str(VERSION) / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(cache / model.name / file.path, path)
        if model.settings:  # JSON is YAML, too
            (repository / model.name / "model.yaml").write_text(json.dumps(model.settings))
    return repository


def settings(models: Sequence[CorpusModel], cache: Path) -> dict[str, str]:
    """The settings by which the service knows the classes that these models need."""
    modules = sorted({module for model in models for module in model.custom_objects})
    folders = (FOLDER / "classes", (cache / CLASSES).absolute())
    return {
        "custom_objects": ",".join(modules),
        "custom_objects_path": ",".join(str(path) for path in folders),
    }


def compare(service: RunningService, model: CorpusModel) -> Row:
    """Ask one model for its reference inputs, and compare."""
    state, reason = service.states()[model.name, VERSION]
    if state == "FAILED":
        return Row(model, reason=reason)
    compiled = _compiled(service, model)
    if model.golden is None:
        return Row(model, fault="served, though it should be refused", compiled=compiled)
    golden = read_golden(model.golden)
    try:
        outputs = predict(service, model.name, compiled, golden.by_name(compiled.signature))
        return Row(model, difference=difference(golden, outputs), compiled=compiled)
    except ValueError as error:
        return Row(model, fault=str(error), compiled=compiled)


def predict(
    service: RunningService, name: str, compiled: Compiled, inputs: Tensors
) -> list[np.ndarray]:
    """The outputs in the model's order, of as many requests as the inputs' size asks for.

    Raises ValueError when a request is refused.
    """
    parts = []
    for rows in _batches(inputs):
        body = {"inputs": {key: inputs[key][rows].tolist() for key in inputs}}
        answer = service.predict(name, body)
        if answer.status_code != 200:
            raise ValueError(f"status {answer.status_code}: {answer.json()['error']}")
        parts.append(answer.json()["outputs"])
    names = [spec.name for spec in compiled.signature.outputs]
    by_name = [part if len(names) > 1 else {names[0]: part} for part in parts]
    return [np.concatenate([np.array(part[key]) for part in by_name]) for key in names]


def _batches(inputs: Tensors) -> Iterator[slice]:
    rows = len(next(iter(inputs.values())))
    a_row = sum(array.size for array in inputs.values()) // rows
    step = max(1, NUMBERS_A_REQUEST // a_row)
    yield from (slice(start, start + step) for start in range(0, rows, step))


def _compiled(service: RunningService, model: CorpusModel) -> Compiled:
    rows: list[dict[str, Any]] = service.get(f"/v1/models/{model.name}").json()["versions"]
    return read_compiled(service.state_dir / "compiled" / rows[0]["artefact"])


def _is_settled(service: RunningService, count: int) -> bool:
    try:
        states = [state for state, _ in service.states().values()]
    except OSError:  # not listening yet
        return service.process.poll() is not None
    return len(states) == count and all(state in ("READY", "FAILED") for state in states)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tier", choices=("smoke", "full"), default="smoke")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    given = parser.parse_args()
    manifest = read_manifest()
    models = manifest.choose(given.tier, given.only)
    fetch(manifest.parts(models), manifest.packages, given.cache)
    rows = run(models, given.cache)
    print(table(rows))
    if given.write:
        write_table(given.write, table(rows))
    return 0 if all(row.is_as_expected for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
