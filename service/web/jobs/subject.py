"""The version that a job is about, before it is accepted: is it there, and what does it take?"""

from dataclasses import dataclass

from service.base.compiled import read_compiled
from service.base.errors import ModelNotFound, ModelNotReady, RequestInvalid
from service.base.http_errors import Conflict
from service.base.refusals import ArtefactCorrupt
from service.base.signature import Signature
from service.recipe.init import ReplaceHead
from service.repository.decisions import form_of
from service.repository.model_config import ModelConfig
from service.repository.policy import current_of, settle
from service.repository.states import State, VersionRow
from service.web.process import WebProcess


@dataclass(frozen=True, slots=True)
class Subject:
    """What a version takes and answers. `form` and `width` say what its labels are."""

    model: str
    version: int
    config: ModelConfig
    signature: Signature
    form: str
    width: int
    names: tuple[str, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """What its classes are called: by their index where they have no names."""
        if self.form == "values" or self.names:
            return self.names
        return tuple(str(index) for index in range(self.width))


def rows_of(process: WebProcess, model: str) -> list[VersionRow]:
    """The model's versions, settled. Raises ModelNotFound."""
    store = process.reloader.store
    rows = settle(store.rows(model), {model: store.route(model)})
    if not rows:
        raise ModelNotFound(model, wording="status")
    return rows


def find_subject(
    process: WebProcess, rows: list[VersionRow], version: int | None, head: ReplaceHead | None
) -> Subject:
    """One of a model's versions, the current one if none is named; under another head, if asked.

    Raises RequestInvalid for a version that isn't there, Conflict for one that isn't READY.
    """
    row = _find_row(rows, version)
    signature = _signature_of(process, row)
    form, width = form_of(row.config, signature)
    names = row.config.labels
    if head is not None:
        form, width, names = "classes", max(head.classes, 2), head.labels
    return Subject(row.model, row.version, row.config, signature, form, width, names)


def _find_row(rows: list[VersionRow], version: int | None) -> VersionRow:
    model = rows[0].model
    wanted = current_of(rows) if version is None else version
    if wanted is None:
        raise Conflict(f"No version of model {model} is current; name one")
    row = next((row for row in rows if row.version == wanted), None)
    if row is None:
        known = ", ".join(str(one.version) for one in rows[-20:])
        raise RequestInvalid(f"version: model {model} has no version {wanted}; it has {known}")
    if row.state is not State.READY:
        why = f": {row.reason}" if row.reason else ""
        raise Conflict(f"Version {wanted} of model {model} is {row.state.value}, not READY{why}")
    return row


def _signature_of(process: WebProcess, row: VersionRow) -> Signature:
    for slot in process.pool.slots():
        facts = slot.served.facts
        told = (facts.identity.model, facts.identity.version, facts.identity.artefact)
        if told == (row.model, row.version, row.artefact):
            return facts.signature
    try:
        process.compiled.bring(row.artefact)
        return read_compiled(process.compiled.folder / row.artefact).signature
    except ArtefactCorrupt as error:  # it is compiled anew, if not just now
        raise ModelNotReady(row.model, "its compiled form can't be read") from error
