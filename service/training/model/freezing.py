"""Freeze layers of a model: their weights stay bit by bit what they are."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from service.base.refusals import TrainingRefused
from service.base.strict_json import Json
from service.loading.weights.targets import is_model
from service.recipe.init import AllButLast, Init

MAX_NAMES = 8
# Its weights change whenever it is called in training, frozen or not.
NEVER_FROZEN = "SpectralNormalization"


@dataclass(frozen=True, slots=True)
class Place:
    """A layer, and where it lies: `body/conv_1` within the model `body`."""

    path: str
    layer: Any

    def is_meant_by(self, pattern: str, file_names: Mapping[str, str]) -> bool:
        """True for the layer's name, in whichever model it lies, or for its whole path."""
        name = str(self.layer.name)
        wanted = (self.path,) if "/" in pattern else (name,)
        return any(fnmatchcase(each, pattern) for each in (*wanted, file_names.get(name, name)))


def freeze(model: Any, init: Init, head: Any, file: str, renamed: Mapping[str, str]) -> None:
    """Freeze what the request names, and nothing else; without a say of it all stays as it is.

    `head` is the new last layer, if it was replaced; `renamed` maps names of layers to those in
    the file. Raises TrainingRefused.
    """
    if init.freeze is not None:
        chosen = _chosen(model, init.freeze, file, renamed)
        for layer in model._flatten_layers():  # a model that learns passes nothing on to its layers
            layer.trainable = True
        for place in chosen:
            place.layer.trainable = False
    _refuse_restless(model, file)
    if head is not None and not head.trainable:
        why = f"freeze covers '{head.name}', the new head, which would never learn"
        raise TrainingRefused(file, why)
    if not model.trainable_variables:
        raise TrainingRefused(file, "every layer with weights is frozen: nothing would learn")


def places(model: Any, above: str = "") -> Iterator[Place]:
    """Every layer of a model, those of models within it too, in the model's order."""
    for layer in model.layers:
        place = Place(f"{above}{layer.name}", layer)
        yield place
        if is_model(layer):
            yield from places(layer, f"{place.path}/")


def tell_frozen(model: Any) -> Json:
    """What is frozen and what learns, for the job's report."""
    leaves = list(_leaves(model))
    frozen = [place.path for place in leaves if not place.layer.trainable_variables]
    return {
        "frozen": frozen,
        "learning": [place.path for place in leaves if place.path not in frozen],
        "parameters_learning": _count(model.trainable_variables),
        "parameters_fixed": _count(model.non_trainable_variables),
    }


def _chosen(
    model: Any, freeze: tuple[str, ...] | AllButLast, file: str, renamed: Mapping[str, str]
) -> list[Place]:
    if isinstance(freeze, AllButLast):
        return list(_leaves(model))[: -freeze.all_but_last]
    every = list(places(model))
    chosen = []
    for pattern in freeze:
        found = [place for place in every if place.is_meant_by(pattern, renamed)]
        if not found:
            raise TrainingRefused(file, _nothing_matches(pattern, every))
        chosen += found
    return chosen


def _leaves(model: Any) -> Iterator[Place]:
    """Each layer that can learn once, models within the model taken apart."""
    seen = set()
    for place in places(model):
        is_leaf = not is_model(place.layer) and _can_learn(place.layer)
        if is_leaf and id(place.layer) not in seen:
            seen.add(id(place.layer))
            yield place


def _can_learn(layer: Any) -> bool:
    """True for what has weights to be learned, frozen or not."""
    return any(each._trainable_variables for each in layer._flatten_layers())


def _nothing_matches(pattern: str, every: list[Place]) -> str:
    names = [place.path for place in every if place.layer.weights]
    by_name = {name.split("/")[-1]: name for name in names} | {name: name for name in names}
    near = [by_name[name] for name in difflib.get_close_matches(pattern, by_name, 3)]
    told = ", ".join(list(dict.fromkeys(near)) or names[:MAX_NAMES])
    return f"freeze names '{pattern}', but no layer is called so; there are {told}, ..."


def _refuse_restless(model: Any, file: str) -> None:
    for place in places(model):
        for layer in place.layer._flatten_layers():
            if type(layer).__name__ == NEVER_FROZEN and not layer.trainable:
                why = f"layer '{place.path}' is a SpectralNormalization, which can't be frozen"
                raise TrainingRefused(file, f"{why}: it changes its weights in every step")


def _count(variables: Any) -> int:
    total = 0
    for variable in variables:
        size = 1
        for axis in variable.shape:
            size *= axis or 1
        total += size
    return total
