"""Layers whose names have a slash, which Keras 3 refuses: renamed, and the old names kept."""

from service.base.strict_json import Json
from service.loading.upgrade.mending import Mending
from service.loading.upgrade.tree import objects_within, references_within


def rename_slashes(model: Json, mending: Mending) -> None:
    """Rename in place, in the whole model with its graphs."""
    taken = {name for item in objects_within(model) for name in _names(item)}
    new_names: dict[str, str] = {}
    for old in sorted(name for name in taken if "/" in name):
        new_names[old] = _free(old.replace("/", "_"), taken)
        taken.add(new_names[old])
    if not new_names:
        return
    mending.applied("slash_in_name")
    for item in objects_within(model):
        for holder in (item, item.get("config")):
            if isinstance(holder, dict) and holder.get("name") in new_names:
                holder["name"] = new_names[holder["name"]]
    for reference in references_within(model):
        reference[0] = new_names.get(reference[0], reference[0])
    mending.renamed |= {new: old for old, new in new_names.items()}


def _names(item: Json) -> list[str]:
    inner = item.get("config")
    holders = [item, inner] if isinstance(inner, dict) else [item]
    return [holder["name"] for holder in holders if isinstance(holder.get("name"), str)]


def _free(wanted: str, taken: set[str]) -> str:
    number, name = 0, wanted
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name
