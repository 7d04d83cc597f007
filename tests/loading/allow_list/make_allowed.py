"""Make `service/loading/allow_list/allowed.json`: what Keras 3 and Keras 2 let a configuration say.

    python -m tests.loading.allow_list.make_allowed

A class is listed with the arguments that its constructor takes in either Keras; which classes
and modules are listed at all is decided by hand in `allow_list/allowed.py` and here.
"""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from service.loading.allow_list.allowed import ALLOWED_FILE, LAYERS, SMALL_PARTS

OPERATION_MODULES = ("numpy", "nn", "math", "linalg", "image")
# Arguments that hold functions or are no part of any saved configuration.
NEVER = frozenset({"self", "args", "kwargs", "pool_function", "weights", "pyfunc", "func", "fn"})
OF_EVERY_LAYER = frozenset(
    """
    activity_regularizer autocast batch_input_shape batch_shape build_config compile_config dtype
    input_dtype input_shape name quantization_config trainable
    """.split()
)
PART_HOMES = ("initializers", "regularizers", "constraints", "dtype_policies", "mixed_precision")


def arguments(kind: type) -> set[str]:
    """What the constructors of a class and of its bases take, and what `get_config` writes."""
    found: set[str] = set()
    for base in kind.__mro__[:-1]:
        if "__init__" in base.__dict__:
            parameters = inspect.signature(base.__dict__["__init__"]).parameters.values()
            named = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
            found |= set(named)
        if "get_config" in base.__dict__:
            found |= written_keys(base.__dict__["get_config"])
    return {name for name in found - NEVER if not name.startswith("_")}


def written_keys(get_config: Any) -> set[str]:
    """The keys that a `get_config` writes: some are no arguments of the constructor."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(get_config)))
    found: set[Any] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            found |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            found.add(node.slice.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":
            found |= {keyword.arg for keyword in node.keywords}
    return {key for key in found if isinstance(key, str) and key.isidentifier()}


def make() -> dict[str, Any]:
    """The whole list, from the Keras and tf_keras that are installed."""
    import keras
    import tf_keras

    layers = {}
    for name in sorted(LAYERS):
        homes: list[Any] = [keras.layers, tf_keras.layers, tf_keras.layers.experimental]
        layers[name] = _of_class(name, homes, OF_EVERY_LAYER)
    parts = {}
    for name in sorted(SMALL_PARTS):
        homes = [getattr(k, home, None) for k in (keras, tf_keras) for home in PART_HOMES]
        parts[name] = _of_class(name, homes, frozenset({"dtype", "name"}))
    return {"layers": layers, "parts": parts, "operations": _operations()}


def _of_class(name: str, homes: Iterable[Any], more: frozenset[str]) -> list[str]:
    found = set(more)
    for home in homes:
        kind = getattr(home, name, None)
        if isinstance(kind, type):
            found |= arguments(kind)
    return sorted(found)


def _operations() -> dict[str, dict[str, list[str]]]:
    from keras.src.ops.operation import Operation

    listed: dict[str, dict[str, list[str]]] = {}
    for home in OPERATION_MODULES:
        module = importlib.import_module(f"keras.src.ops.{home}")
        listed[module.__name__] = {
            name: sorted(arguments(kind) | {"name", "dtype", "trainable"})
            for name, kind in sorted(vars(module).items())
            if inspect.isclass(kind)
            and issubclass(kind, Operation)
            and kind.__module__ == module.__name__
            and not _takes_functions(kind)
        }
    return listed


def _takes_functions(kind: type) -> bool:
    parameters = {*inspect.signature(kind).parameters}
    return bool(parameters & {"fn", "func", "pyfunc", "body", "cond", "function", "f"})


if __name__ == "__main__":
    target = Path(ALLOWED_FILE)
    target.write_bytes(orjson.dumps(make(), option=orjson.OPT_INDENT_2) + b"\n")
    print(f"{target}: {target.stat().st_size} bytes")
