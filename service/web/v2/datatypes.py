"""The protocol's names of datatypes, and those of Triton's model configuration."""

import numpy as np

from service.base.signature import STRING

BYTES = "BYTES"
V2_OF = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    STRING: BYTES,
}
NUMBERS = {np.dtype(name): datatype for name, datatype in V2_OF.items() if name != STRING}
# BF16 has no NumPy dtype, and no model that is served here takes or gives it.
NEVER_IN_JSON = frozenset({"FP16", "BF16"})


def datatype_of(array: np.ndarray) -> str | None:
    """What the protocol calls an array's dtype; none if it has no name for it."""
    return BYTES if array.dtype.kind in "OSU" else NUMBERS.get(array.dtype)


def config_type(dtype: str) -> str:
    """A dtype as model configurations name it, such as `TYPE_FP32`."""
    return "TYPE_STRING" if dtype == STRING else f"TYPE_{V2_OF[dtype]}"
