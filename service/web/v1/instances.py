"""The exact road of predict: from parsed JSON, row or column form, to the model's inputs.

Both forms must give each input as many rows. TensorFlow Serving lets the column form have inputs
of different lengths, for graphs that aren't batched; a Keras model always is.
"""

from typing import Any

import numpy as np

from service.base.errors import RequestInvalid, TensorInvalid
from service.base.signature import Tensors, TensorSpec
from service.base.strict_json import Json
from service.web.exchange import Asked, Facts
from service.web.tensors import Misfit, read_tensor, show
from service.web.v1.document import check_signature_name, kind
from service.web.v1.padding import read_padded, with_hint
from service.web.v1.words import element_invalid, misfit_invalid

MAX_NAMES = 200


def read_request(record: Json, facts: Facts) -> Asked:
    """The inputs; the form says whether they came as rows. Raises RequestInvalid."""
    check_signature_name(record)
    if "instances" in record and "inputs" in record:
        raise RequestInvalid(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist; "
            "the request has both 'instances' and 'inputs'"
        )
    if "instances" in record:
        inputs = _read_rows(record["instances"], facts)
        return Asked(inputs, len(record["instances"]), True)
    if "inputs" in record:
        inputs = _read_columns(record["inputs"], facts)
        rows = check_rows(inputs, facts)
        return Asked(inputs, rows, False)
    raise RequestInvalid("Missing 'inputs' or 'instances' key")


def check_rows(inputs: Tensors, facts: Facts) -> int:
    """How many rows the columns have: all the same number, and not too many."""
    sizes = {name: len(tensor) for name, tensor in inputs.items()}
    if len(set(sizes.values())) != 1:
        listed = ", ".join(f"{name}: {size}" for name, size in sizes.items())
        raise TensorInvalid("inputs", "as many rows in every input", listed)
    rows = next(iter(sizes.values()))
    check_count("inputs", rows, facts)
    return rows


def check_count(root: str, rows: int, facts: Facts) -> None:
    """Refuse more rows than one request may have."""
    if rows > facts.max_rows:
        raise TensorInvalid(root, f"at most {facts.max_rows} instances", str(rows))


def _read_rows(instances: Any, facts: Facts) -> Tensors:
    if not isinstance(instances, list):
        raise TensorInvalid("instances", "a list", kind(instances))
    if not instances:
        raise TensorInvalid("instances", "at least one instance", "an empty list")
    check_count("instances", len(instances), facts)
    specs = facts.signature.inputs
    if len(specs) == 1 and not _is_named(instances[0]):
        return {specs[0].name: _read(instances, specs[0], facts, "instances")}
    names = {spec.name for spec in specs}
    for index, instance in enumerate(instances):
        if not isinstance(instance, dict) or set(instance) != names:
            wanted = f"an object with the inputs {', '.join(sorted(names))}"
            got = ", ".join(sorted(instance)) if isinstance(instance, dict) else show(instance)
            error = TensorInvalid(f"instances[{index}]", wanted, got[:MAX_NAMES] or "none")
            raise element_invalid(index, str(error))
    columns = {spec.name: [instance[spec.name] for instance in instances] for spec in specs}
    return {
        spec.name: _read(columns[spec.name], spec, facts, "instances", spec.name) for spec in specs
    }


def _read_columns(columns: Any, facts: Facts) -> Tensors:
    specs = facts.signature.inputs
    if len(specs) == 1 and not _is_named(columns):
        return {specs[0].name: _read(columns, specs[0], facts, "inputs")}
    if not isinstance(columns, dict):
        raise TensorInvalid("inputs", "an object with every input by name", kind(columns))
    for spec in specs:
        if spec.name not in columns:
            raise RequestInvalid(f"Missing named input: {spec.name} in 'inputs' object.")
    return {
        spec.name: _read(columns[spec.name], spec, facts, f"inputs.{spec.name}") for spec in specs
    }


def _read(value: Any, spec: TensorSpec, facts: Facts, root: str, key: str = "") -> np.ndarray:
    allow_non_finite, sequences = facts.config.allow_non_finite, facts.config.sequences
    try:
        if sequences is None:
            return read_tensor(value, spec, allow_non_finite)
        lengths = sequences.lengths(facts.signature)
        if spec.name not in lengths:
            return read_tensor(value, spec, allow_non_finite)
        return read_padded(value, spec, sequences, lengths[spec.name], allow_non_finite)
    except Misfit as misfit:
        told = misfit if sequences else with_hint(misfit, spec)
        raise misfit_invalid(told, spec, root, key) from None


def _is_named(value: Any) -> bool:
    """True for an object of inputs by name; `{"b64": ...}` is a value."""
    return isinstance(value, dict) and set(value) != {"b64"}
