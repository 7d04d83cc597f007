"""Predict: instances or columns in, predictions or outputs back.

Two roads give the same tensors. The quick one reads numbers with simdjson straight into a buffer
and proves the shape; whatever it doesn't understand, right or wrong, goes the exact one, which
either accepts it or says precisely what is wrong and where.
"""

from typing import Any

import numpy as np
import simdjson

from service.base.signature import Signature, Tensors, TensorSpec
from service.repository.decisions import Decisions
from service.web.dense import NOT_PLAIN, Parsers, Part, dense_tensor, is_regular
from service.web.exchange import PREDICTION_ID, Asked, Call, Facts, Reply, V1Body
from service.web.tensors import find_fault
from service.web.v1.document import (
    DEFAULT_SIGNATURE,
    check_exact_bytes,
    has_quick_inputs,
    read_document,
)
from service.web.v1.encoding import as_columns, as_decisions, as_rows, write
from service.web.v1.instances import check_count, read_request
from service.web.v1.padding import pad_inputs

Quick = tuple[Tensors, bool]


class Predict(V1Body):
    """The translator of `:predict`; keeps nothing but a few parsers."""

    def __init__(self) -> None:
        self._parsers = Parsers()

    def decode(self, call: Call, facts: Facts) -> Asked:
        """The inputs; the form says whether they came as rows. Raises RequestInvalid."""
        body = call.body
        if has_quick_inputs(facts.signature):
            parser = self._parsers.take()
            quick = read_quickly(parser, body, facts.signature)
            self._parsers.give(parser, len(body))
            if quick is not None:
                return _asked(quick, facts)
            check_exact_bytes(body, facts.signature)
        return read_exactly(body, facts)

    def encode(
        self,
        asked: Asked,
        facts: Facts,
        outputs: Tensors,
        decided: Decisions | None,
        prediction_id: str = "",
    ) -> Reply:
        """The answer in the form that was asked in, and our own keys if they are wanted."""
        config = facts.config
        record: dict[str, Any]
        if asked.form:
            record = {"predictions": as_rows(outputs, config.allow_non_finite)}
        else:
            record = {"outputs": as_columns(outputs, config.allow_non_finite)}
        if facts.extra_keys:
            if decided is not None:
                record["decisions"] = as_decisions(decided, config.labels, config.allow_non_finite)
            record["model_version"] = str(facts.identity.version)
            if prediction_id:
                record[PREDICTION_ID] = prediction_id
        return Reply(write(record))


def read_exactly(body: bytes, facts: Facts) -> Asked:
    """The inputs by way of Python's objects."""
    return read_request(read_document(body, facts.config.allow_non_finite), facts)


def read_quickly(parser: simdjson.Parser, body: bytes, signature: Signature) -> Quick | None:
    """The inputs, if the document is nothing but well-formed numbers in the right shape.

    The parser is free again afterwards: nothing of its document is left.
    """
    try:
        document: Any = parser.parse(body)
        if len(document) > 1 and not _is_plain(document):
            return None
        content = document.get("instances")
        is_row_form = content is not None
        if not is_row_form:
            content = document["inputs"]
        if isinstance(content, simdjson.Array):
            if len(signature.inputs) > 1:
                return None
            (spec,) = signature.inputs
            tensor = _read(content, spec)
            if tensor is None or not is_regular(body, [(content, tensor.shape)]):
                return None
            return {spec.name: tensor}, is_row_form
        return None if is_row_form else _read_columns(content, body, signature)
    except NOT_PLAIN:
        return None


def _is_plain(document: Any) -> bool:
    """False for what only the exact road can judge: keys that contradict, keys that stand twice."""
    names = set(document)
    name = document.get("signature_name", DEFAULT_SIGNATURE)
    return (
        len(names) == len(document)
        and name in ("", DEFAULT_SIGNATURE)
        and not {"instances", "inputs"} <= names
    )


def _read_columns(content: Any, body: bytes, signature: Signature) -> Quick | None:
    if len(set(content)) != len(content):
        return None
    inputs: Tensors = {}
    parts: list[Part] = []
    for spec in signature.inputs:
        array = content[spec.name]
        tensor = _read(array, spec)
        if tensor is None or (parts and len(tensor) != parts[0][1][0]):
            return None
        inputs[spec.name] = tensor
        parts.append((array, tensor.shape))
    return (inputs, False) if is_regular(body, parts) else None


def _read(array: simdjson.Array, spec: TensorSpec) -> np.ndarray | None:
    tensor = dense_tensor(array, spec)
    if spec.vocabulary is None or tensor is None:
        return tensor
    return tensor if find_fault(tensor, spec, allow_non_finite=True) is None else None


def _asked(quick: Quick, facts: Facts) -> Asked:
    inputs, is_row_form = quick
    rows = len(inputs[facts.signature.inputs[0].name])
    if rows > facts.max_rows:
        check_count("instances" if is_row_form else "inputs", rows, facts)
    if facts.config.sequences is not None:
        inputs = pad_inputs(inputs, facts)
    return Asked(inputs, rows, is_row_form)
