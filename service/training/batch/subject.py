"""The version that predicts a batch: the one that is named, or the current one, if it is READY."""

from service.base.http_errors import Conflict
from service.repository.policy import current_of, settle
from service.repository.states import State
from service.repository.store import VersionStore
from service.training.batch.run import Subject
from service.training.workplace import Workplace


def find_current(versions: VersionStore, model: str) -> int:
    """The version that answers now. Raises Conflict where there is none."""
    rows = versions.rows(model)
    current = current_of(settle(rows, {model: versions.route(model)}))
    if current is None:
        why = "No version of it is current; name one" if rows else "No such model is known here"
        raise Conflict(f"Model {model}: {why}")
    return current


def find_subject(place: Workplace, model: str, version: int) -> Subject:
    """The version as it was compiled. Raises Conflict unless it is READY."""
    row = next((row for row in place.versions.rows(model) if row.version == version), None)
    if row is None or row.state is not State.READY:
        told = "isn't there" if row is None else f"is {row.state.value}, not READY: {row.reason}"
        raise Conflict(f"Version {version} of model {model} {told}".removesuffix(": "))
    place.bring(row.artefact)
    folder = place.compiled_dir / row.artefact
    return Subject(model, version, row.artefact, folder, row.config)
