"""The model that a training begins with: a version's architecture and the weights asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.base.refusals import TrainingRefused
from service.base.strict_json import Json
from service.loading.build import Assembled, fill
from service.loading.building import weight_options
from service.recipe.init import Init
from service.training.model.opening import Opened, assemble_source
from service.training.model.transfer import (
    ADAPTED,
    NEW_HEAD,
    Transferred,
    lay_over,
    make_fresh,
    tell_weights,
)
from service.training.source_version import SourceVersion


@dataclass(frozen=True, slots=True)
class Begun:
    """`kept` are the ids of what preprocessing has adapted to; `was_converted` says that the
    version's arrays were turned round for Keras 3. `renamed` maps layers to names in the file.
    """

    model: Any
    transferred: Transferred | None
    kept: frozenset[int]
    was_converted: bool
    renamed: Mapping[str, str]
    notes: tuple[str, ...]

    def tell_weights(self, model: Any, head: Any) -> Json:
        """Where each weight of a model comes from that was made of this one, under a new head."""
        known = dict.fromkeys(self._kept(), ADAPTED)
        if head is not None:
            known |= {id(variable): NEW_HEAD for variable in head.variables}
        return tell_weights(model, self.transferred, known)

    def _kept(self) -> frozenset[int]:
        """A weights file may have given something else to what had adapted."""
        return self.kept - (self.transferred.report.assigned if self.transferred else frozenset())


def begin(init: Init, source: SourceVersion, opened: Opened) -> Begun:
    """Build the version's model; whatever is drawn comes from Keras' seed as it stands.

    Raises FileRefused.
    """
    assembled = assemble_source(source, opened)
    model, inspection = assembled.model, opened.inspection
    notes = (*inspection.rules, *assembled.upgraded.rules, *assembled.upgraded.notes)
    transferred: Transferred | None = None
    kept: frozenset[int] = frozenset()
    was_converted = False
    if init.start == "weights":
        report = fill(assembled, inspection, source.files, source.options)
        transferred, was_converted = Transferred(report), bool(report.conversions)
    else:
        kept = make_fresh(model, lambda: fill(assembled, inspection, source.files, source.options))
    if init.start == "file":
        transferred = _laid_over(assembled, source, opened)
    return Begun(model, transferred, kept, was_converted, assembled.upgraded.renamed, notes)


def _laid_over(assembled: Assembled, source: SourceVersion, opened: Opened) -> Transferred:
    name = opened.inspection.architecture_file
    if source.weights_file is None:
        raise TrainingRefused(name, "the weights file that init names was not found")
    told = weight_options(opened.inspection, source.options, assembled.upgraded.dim_ordering)
    return lay_over(assembled.model, source.weights_file, name, told)
