"""How much a row of each class counts, by what was asked and how many there are of it."""

from collections.abc import Mapping, Sequence

from service.recipe.compiling import ClassWeight


def class_weights(
    asked: ClassWeight, names: Sequence[str], counts: Mapping[str, int]
) -> list[float]:
    """A weight for each class, in their order. Raises ValueError for a label that isn't known.

    `balanced`: all rows divided by the number of classes and the rows of this one, so that each
    class counts the same. Labels that aren't named weigh 1; they may be named by index too.
    """
    if not names:
        raise ValueError("class_weight needs classes; this model tells numbers")
    if asked == "balanced":
        return _balanced(names, counts)
    assert not isinstance(asked, str)
    places = {str(index): index for index in range(len(names))}
    places |= {name: index for index, name in enumerate(names)}
    unknown = sorted(set(asked) - set(places))
    if unknown:
        raise ValueError(
            f"class_weight names {', '.join(unknown)[:200]}; expected some of "
            f"{', '.join(names)[:200]}"
        )
    weights = [1.0] * len(names)
    for label, weight in asked.items():
        weights[places[label]] = weight
    return weights


def _balanced(names: Sequence[str], counts: Mapping[str, int]) -> list[float]:
    present = [counts.get(name, 0) for name in names]
    rows, classes = sum(present), sum(1 for count in present if count)
    return [rows / (classes * count) if count else 0.0 for count in present]


def unfit_weights(asked: ClassWeight | None, form: str, names: Sequence[str]) -> str:
    """Why class weights say nothing about answers of a form; empty where they do.

    `form` is classes, sets or values.
    """
    if asked is None:
        return ""
    if form == "sets":
        return "class_weight: it has no meaning where a row may have several labels"
    try:
        class_weights(asked, names if form == "classes" else (), {})
    except ValueError as error:
        return str(error)
    return ""
