"""Holds what a request gives and asks for against the model's signature, before any data is read.

The texts are Triton's where it has one.
"""

from collections.abc import Sequence

from service.base.errors import RequestInvalid
from service.base.signature import TensorSpec
from service.web.v2.datatypes import NEVER_IN_JSON
from service.web.v2.known import Known
from service.web.v2.request import Given, Wanted, shown

MAX_LISTED = 16
NO_CLASSES = frozenset({"BYTES", "BOOL", "FP16"})


def fit_inputs(given: list[Given], known: Known) -> tuple[list[TensorSpec], int]:
    """The spec of each input given, and how many rows they have. Raises RequestInvalid."""
    if len(given) != len(known.inputs):
        raise RequestInvalid(_wrong_count(given, known))
    fitting: list[TensorSpec] = []
    for item in given:
        found = known.inputs.get(item.name)
        if found is None:
            raise RequestInvalid(
                f"unexpected inference input '{shown(item.name)}' for model '{known.model}'"
            )
        spec, datatype = found
        if any(spec is other for other in fitting):
            raise RequestInvalid(f"input '{item.name}' already exists in request")
        _check_datatype(item, datatype, known.model)
        _check_shape(item, spec, known.model)
        fitting.append(spec)
    rows = given[0].shape[0]
    for item in given:
        if item.shape[0] != rows:
            raise RequestInvalid(
                f"input '{item.name}' batch size does not match other inputs for '{known.model}'"
            )
    check_rows(rows, known)
    return fitting, rows


def check_rows(rows: int, known: Known) -> None:
    """Raises RequestInvalid for more rows than one request may have."""
    if rows > known.facts.max_rows:
        raise RequestInvalid(
            f"inference request batch-size must be <= {known.facts.max_rows} "
            f"for '{known.model}', got {rows}"
        )


def fit_outputs(wanted: list[Wanted], is_binary: bool, known: Known) -> list[Wanted]:
    """The outputs to answer with, in their order. Raises RequestInvalid.

    Those named; else the model's own and then, where the model decides, its decisions.
    """
    wanted = wanted or [Wanted(name, is_binary) for name in known.outputs]
    seen: set[str] = set()
    for item in wanted:
        datatype = known.outputs.get(item.name)
        if datatype is None:
            raise RequestInvalid(
                f"unexpected inference output '{shown(item.name)}' for model '{known.model}'"
            )
        if item.name in seen:
            raise RequestInvalid(f"output '{item.name}' already exists in request")
        seen.add(item.name)
        _check_form(item, datatype)
    return wanted


def _check_form(item: Wanted, datatype: str) -> None:
    if item.classes and datatype in NO_CLASSES:
        raise RequestInvalid(
            f"class result not available for output '{item.name}' "
            f"due to unsupported type '{datatype}'"
        )
    if datatype in NEVER_IN_JSON and not item.is_binary:
        raise RequestInvalid(
            f"sending {datatype} data via JSON is not supported. "
            f"Please use the binary data format for output '{item.name}'"
        )


def _check_datatype(item: Given, expected: str, model: str) -> None:
    if item.data is not None and item.datatype in NEVER_IN_JSON:
        raise RequestInvalid(
            f"receiving {item.datatype} data via JSON is not supported. "
            f"Please use the binary data format for input '{item.name}'"
        )
    if item.datatype != expected:
        raise RequestInvalid(
            f"inference input '{item.name}' data-type is '{shown(item.datatype)}', "
            f"but model '{model}' expects '{expected}'"
        )


def _check_shape(item: Given, spec: TensorSpec, model: str) -> None:
    if len(item.shape) != len(spec.shape) or any(
        want is not None and want != got for want, got in zip(spec.shape, item.shape, strict=True)
    ):
        expected = [-1 if axis is None else axis for axis in spec.shape]
        raise RequestInvalid(
            f"unexpected shape for input '{item.name}' for model '{model}'. "
            f"Expected {_dims(expected)}, got {_dims(item.shape)}"
        )
    if 0 in item.shape:
        raise RequestInvalid(
            f"invalid shape for input '{item.name}' for model '{model}': "
            f"expected at least one element on every axis, got {_dims(item.shape)}"
        )


def _wrong_count(given: list[Given], known: Known) -> str:
    names = [item.name for item in given]
    missing = [name for name in known.inputs if name not in names]
    return (
        f"expected {len(known.inputs)} inputs but got {len(given)} inputs "
        f"for model '{known.model}'. "
        f"Got input(s) {_listed(names)}, but missing required input(s) {_listed(missing)}. "
        "Please provide all required input(s)."
    )


def _dims(shape: Sequence[int]) -> str:
    more = ",..." if len(shape) > MAX_LISTED else ""
    return f"[{','.join(map(str, shape[:MAX_LISTED]))}{more}]"


def _listed(names: list[str]) -> str:
    more = ",..." if len(names) > MAX_LISTED else ""
    return "[" + ",".join(f"'{shown(name)}'" for name in names[:MAX_LISTED]) + more + "]"
