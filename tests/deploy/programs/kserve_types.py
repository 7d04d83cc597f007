"""Holds an InferenceService against the types of KServe's own package; prints unknown fields.

Run by the environment that has it; a list of objects comes in.
"""

import json
import re
import sys
from typing import Any

import kserve.models
import kubernetes.client

ITEM = re.compile(r"^(?:list|List)\[(.+)\]$")  # written by two generators
VALUE = re.compile(r"^(?:dict\(|Dict\[)str, (.+)[])]$")
PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "bool": (bool,), "float": (int, float),
}  # fmt: skip


def type_of(name: str) -> Any:
    """The class of a type that is no plain one; KServe's come before Kubernetes' own."""
    return getattr(kserve.models, name, None) or getattr(kubernetes.client, name, None)


def look(value: Any, kind: str, place: str) -> None:
    """Say what doesn't fit, all the way down."""
    item, entry = ITEM.match(kind), VALUE.match(kind)
    if item:
        for number, one in enumerate(value):
            look(one, item[1], f"{place}[{number}]")
    elif entry:
        for key, one in value.items():
            look(one, entry[1], f"{place}.{key}")
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or isinstance(value, bool) != (kind == "bool"):
            print(f"{place}: expected {kind}, got {value!r}")
    elif hasattr(type_of(kind), "openapi_types"):
        look_inside(value, type_of(kind), place)


def look_inside(value: Any, known: Any, place: str) -> None:
    """Each field has to be one of those that the type has."""
    fields = {told: known.openapi_types[own] for own, told in known.attribute_map.items()}
    for key, one in value.items():
        if key in fields:
            look(one, fields[key], f"{place}.{key}")
        else:
            print(f"{place}.{key}: no such field")


def main() -> None:
    """Look at each object."""
    for one in json.load(sys.stdin):
        look(one, "V1beta1InferenceService", one["kind"])


if __name__ == "__main__":
    main()
