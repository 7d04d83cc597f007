"""Shapes and types of an operation's outputs, by ONNX' own inference on symbolic lengths."""

from collections.abc import Sequence
from typing import Any

from onnx import defs, helper, shape_inference

from service.loading.tracing.row_values import Dims, Size, Value

INTEGERS = {2, 3, 4, 5, 6, 7, 12, 13}  # of ONNX' TensorProto
MAX_INVENTED = 16
Shape = tuple[int, Dims | None]


def infer(node: Any, inputs: Sequence[Value | None], opset: int) -> list[Shape]:
    """Type and lengths of each output; a length that can't be told gets a symbol of its own."""
    types, data, known = {}, {}, {}
    for name, value in zip(node.input, inputs, strict=True):
        if value is None:
            continue
        types[name] = _type_of(value)
        known.update({str(size): size for size in value.dims or ()})
        tensor = _tensor_of(name, value)
        if tensor is not None:
            data[name] = tensor
    try:
        schema = defs.get_schema(node.op_type, opset, "")
        found = shape_inference.infer_node_outputs(
            schema, node, types, data, opset_imports=[helper.make_opsetid("", opset)]
        )
    except (defs.SchemaError, shape_inference.InferenceError, ValueError, TypeError):
        found = {}
    return [_read(found.get(name), name, known) for name in node.output]


def invented(name: str, index: int) -> Size:
    """A length of which only the place is known."""
    return Size(1, (f"{name}.{index}",))


def _type_of(value: Value) -> Any:
    dims = None
    if value.dims is not None:
        dims = [str(d) if d.number is None else d.number for d in value.dims]
    return helper.make_tensor_type_proto(value.dtype, dims)


def _tensor_of(name: str, value: Value) -> Any:
    if value.constant is not None:
        return value.constant
    elements = [element.number if element else None for element in value.elements or ()]
    dims = [size.number for size in value.dims or ()]
    if value.elements is None or value.dims is None or None in elements or None in dims:
        return None
    return helper.make_tensor(name, value.dtype, dims, elements)


def _read(found: Any, name: str, known: dict[str, Size]) -> Shape:
    if found is None or not found.HasField("tensor_type"):
        return 1, None
    tensor = found.tensor_type
    if not tensor.HasField("shape"):
        return tensor.elem_type, None
    dims = []
    for index, dim in enumerate(tensor.shape.dim):
        if dim.HasField("dim_value"):
            dims.append(Size(dim.dim_value))
        else:
            dims.append(known.get(dim.dim_param) or invented(name, index))
    return tensor.elem_type, tuple(dims)
