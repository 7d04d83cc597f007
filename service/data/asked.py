"""From what a request says of its data and what the model takes to what a file must hold."""

from service.base.refusals import DataRefused
from service.base.sequences import Sequences
from service.base.signature import Signature
from service.data.dataset import LABEL_COLUMNS, Expected
from service.data.wording import quoted
from service.recipe.data import DataRequest, LabelledData

NAME = "the request"


def expected_rows(
    request: LabelledData,
    signature: Signature,
    form: str,
    width: int,
    label_names: tuple[str, ...] = (),
    sequences: Sequences | None = None,
) -> Expected:
    """What the files of a request must hold.

    `form` and `width` are those of `repository.decisions.form_of`, or those of a new head: one of
    `width` classes, sets of them, or values. `label_names` and `sequences` are those of
    `model.yaml`. Raises DataRefused for a request that can't be meant for such a model.
    """
    if form not in ("classes", "sets", "values"):
        wrong = "the model's first output is nothing that a label can be compared with"
        raise DataRefused(NAME, "", wrong, "classes, labels, or numbers")
    names = label_names if form != "values" and len(label_names) == width else ()
    if request.labels == "names" and not names:
        wrong = "labels are names, but the model's classes have none"
        raise DataRefused(NAME, "data.labels", wrong, "labels in model.yaml, or indices")
    columns, is_retrain = request.columns, isinstance(request, DataRequest)
    apart = _apart(columns.labels, form, width, names)
    return Expected(
        signature=signature,
        classes=None if form == "values" else width,
        min_rows=2 if is_retrain else 1,
        min_classes=2 if is_retrain else 1,
        are_sets=form == "sets",
        label_names=names,
        label_form=request.labels,
        label_columns=columns.labels or LABEL_COLUMNS,
        labels_apart=apart,
        columns=columns.features,
        ignored=columns.ignore,
        leaves_others=bool(columns.features),
        weight_column=columns.weight or "",
        time_column=columns.time or "",
        sequences=sequences,
    )


def _apart(
    labels: tuple[str, ...], form: str, width: int, names: tuple[str, ...]
) -> tuple[str, ...]:
    """The label columns in the order of the classes; those that are called as these may stand in
    any order.
    """
    if len(labels) < 2:
        return ()
    if form == "classes":
        wrong = f"names {len(labels)} label columns, but the model decides for one class"
        raise DataRefused(NAME, "data.columns.label", wrong, "one column")
    if len(labels) != width:
        wrong = f"names {len(labels)} label columns, of which {quoted(labels[0])} is the first"
        raise DataRefused(NAME, "data.columns.label", wrong, f"one, or {width}: one for each")
    if set(labels) == set(names):
        return names
    moved = [name for at, name in enumerate(labels) if name in names and names[at] != name]
    if moved:
        wrong = f"{quoted(moved[0])} is called as a label, but stands in the place of another one"
        wanted = "the names of all labels in any order, or other names in theirs"
        raise DataRefused(NAME, "data.columns.label", wrong, wanted)
    return labels
