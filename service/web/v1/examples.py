"""Examples, the requests of classify and regress: flat objects of features by input name.

A feature is a value or a flat list of one kind; a list fills the input's shape row by row.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from service.base.errors import RequestInvalid, TensorInvalid
from service.base.signature import STRING, Tensors, TensorSpec, shape_text
from service.base.strict_json import Json
from service.web.exchange import Asked, Facts
from service.web.tensors import Fault, Misfit, read_tensor, show
from service.web.v1.document import (
    check_exact_bytes,
    check_signature_name,
    kind,
    read_document,
)
from service.web.v1.instances import check_count
from service.web.v1.padding import pad_rows
from service.web.v1.words import misfit_invalid

MAX_NAMES = 200
KINDS = {bool: "whole numbers", int: "whole numbers", float: "decimal numbers", str: "strings"}


def read_examples(body: bytes, facts: Facts) -> Asked:
    """The inputs out of `examples`, each with the features of `context` unless it has its own.

    Raises RequestInvalid.
    """
    check_exact_bytes(body, facts.signature)
    record = read_document(body, facts.config.allow_non_finite)
    check_signature_name(record)
    context = record.get("context", {})
    if not isinstance(context, dict):
        raise TensorInvalid("context", "an object of features", kind(context))
    examples = _examples(record, facts)
    known = {spec.name for spec in facts.signature.inputs}
    merged = [_merge(context, example, index, known) for index, example in enumerate(examples)]
    sequences = facts.config.sequences
    lengths = {} if sequences is None else sequences.lengths(facts.signature)
    inputs: Tensors = {}
    for spec in facts.signature.inputs:
        if sequences is not None and spec.name in lengths:
            steps = replace(spec, shape=(None, None, *spec.item_shape[1:]))
            rows = [_read_feature([one], steps, facts, at)[0] for at, one in enumerate(merged)]
            inputs[spec.name] = pad_rows(rows, spec, sequences, lengths[spec.name])
        else:
            inputs[spec.name] = _read_feature(merged, spec, facts)
    return Asked(inputs, len(merged), None)


def _examples(record: Json, facts: Facts) -> list[Any]:
    if "examples" not in record:
        raise RequestInvalid("The key 'examples' is expected and was not found")
    examples = record["examples"]
    if not isinstance(examples, list):
        raise TensorInvalid("examples", "a list", kind(examples))
    if not examples:
        raise TensorInvalid("examples", "at least one example", "an empty list")
    check_count("examples", len(examples), facts)
    return examples


def _merge(context: Json, example: Any, index: int, known: set[str]) -> Json:
    if not isinstance(example, dict):
        raise TensorInvalid(f"examples[{index}]", "an object of features", kind(example))
    merged = {**context, **example}
    if merged.keys() != known:
        wanted = f"the features {', '.join(sorted(known))}"
        got = ", ".join(sorted(merged))[:MAX_NAMES] or "none"
        raise TensorInvalid(f"examples[{index}]", wanted, got)
    return merged


def _read_feature(
    examples: list[Json], spec: TensorSpec, facts: Facts, first: int = 0
) -> np.ndarray:
    """One input of some examples: read as rows of equal length, then given the model's shape.

    `first` is the number of the first of them in the request.
    """
    lists = []
    for index, example in enumerate(examples, first):
        values = _flat(example[spec.name], f"examples[{index}].{spec.name}")
        lists.append(values if spec.dtype in ("bool", STRING) else [_plain(v) for v in values])
    item = _item_shape(spec, len(lists[0]), first)
    flat = replace(spec, shape=(None, math.prod(item)))
    try:
        tensor = read_tensor(lists, flat, facts.config.allow_non_finite)
    except Misfit as misfit:
        row, *rest = misfit.fault.path
        path = (
            (first + row, *rest) if isinstance(examples[row][spec.name], list) else (first + row,)
        )
        fault = Fault(path, misfit.fault.expected, misfit.fault.got)
        raise misfit_invalid(Misfit(fault, *misfit.leaf), spec, "examples", spec.name) from None
    return tensor.reshape(len(lists), *item)


def _flat(feature: Any, place: str) -> list[Any]:
    values = feature if isinstance(feature, list) else [feature]
    if not values:
        raise TensorInvalid(place, "at least one element", "an empty list")
    kinds = {_kind(value) for value in values}
    if "" in kinds:
        wrong = next(value for value in values if not _kind(value))
        raise TensorInvalid(place, "a value or a flat list of values", show(wrong))
    if len(kinds) > 1:
        raise TensorInvalid(place, "values of one kind", " and ".join(sorted(kinds)))
    return values


def _kind(value: Any) -> str:
    """The kind of a feature's element; empty for null, lists and objects."""
    if isinstance(value, dict) and set(value) == {"b64"}:
        return KINDS[str]
    return KINDS.get(type(value), "")


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _item_shape(spec: TensorSpec, count: int, row: int) -> tuple[int, ...]:
    """The shape of one item of so many elements; one free axis takes what the others leave."""
    sizes = [axis for axis in spec.item_shape if axis is not None]
    free = len(spec.item_shape) - len(sizes)
    known = max(1, math.prod(sizes))
    if free > 1:
        raise RequestInvalid(
            f"Input {spec.name} has the shape {shape_text(spec.item_shape)} for each instance, "
            "which a flat list doesn't tell; ask by :predict"
        )
    if free == 1 and count % known:
        place, wanted = f"examples[{row}].{spec.name}", f"a multiple of {known} elements"
        raise TensorInvalid(place, wanted, str(count))
    rest = count // known
    return tuple(rest if axis is None else axis for axis in spec.item_shape)
