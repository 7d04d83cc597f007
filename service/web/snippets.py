"""A prediction request as commands and programs that work when they are pasted.

Small tensors are spelled out; large ones are built in code, so that a picture still fits on a page.
All sample values are constant, which makes both easy.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pprint import pformat
from typing import Any

import orjson

from service.base.strict_json import Json

SPELLED_VALUES = 128
INDENT = "    "


@dataclass(frozen=True, slots=True)
class Filled:
    """One input's tensor: a value in every place of a shape, and how the protocols call it.

    `value_bytes` is the width of one value in binary form.
    """

    name: str
    shape: tuple[int, ...]
    value: float | int | bool | str
    datatype: str
    value_bytes: int

    @property
    def count(self) -> int:
        """How many values there are."""
        total = 1
        for axis in self.shape:
            total *= axis
        return total


def nested(shape: Sequence[int], value: Any) -> Any:
    """A nested list with the value in every place."""
    if not shape:
        return value
    return [nested(shape[1:], value) for _ in range(shape[0])]


def rows(tensors: Sequence[Filled]) -> Json:
    """The body of a v1 request in row form: one instance, which is one row of each tensor."""
    if len(tensors) == 1:
        return {"instances": nested(tensors[0].shape, tensors[0].value)}
    return {"instances": [{item.name: nested(item.shape[1:], item.value) for item in tensors}]}


def tensors_of(tensors: Sequence[Filled]) -> Json:
    """The body of a v2 request with its tensors in JSON."""
    return {
        "inputs": [{**_head(item), "data": [item.value] * item.count} for item in tensors],
    }


def curl(url: str, model: str, tensors: Sequence[Filled]) -> str:
    """One command. Large tensors are zeros in v2's binary form, behind the JSON that tells them."""
    if is_small(tensors):
        body = shlex.quote(orjson.dumps(rows(tensors)).decode())
        return f"curl -s {url}/v1/models/{model}:predict -d {body}\n"
    inputs = [
        {**_head(item), "parameters": {"binary_data_size": item.count * item.value_bytes}}
        for item in tensors
    ]
    head = orjson.dumps({"inputs": inputs})
    size = sum(item.count * item.value_bytes for item in tensors)
    return (
        f"(printf %s {shlex.quote(head.decode())}; head -c {size} /dev/zero) |\n"
        f"  curl -s {url}/v2/models/{model}/infer --data-binary @- \\\n"
        f"    -H 'Inference-Header-Content-Length: {len(head)}'\n"
    )


def python(url: str, model: str, tensors: Sequence[Filled]) -> str:
    """A program on requests, and on NumPy where tensors are large."""
    if is_small(tensors):
        imports = "import requests"
        key, values = _spelled(tensors)
        literal = pformat(values, width=92, compact=True, sort_dicts=False)
    else:
        imports = "import numpy as np\nimport requests"
        key, literal = _built(tensors, _python_array)
    return (
        f"{imports}\n\n"
        f'url = "{url}/v1/models/{model}:predict"\n'
        f"{key} = {literal}\n"
        f'answer = requests.post(url, json={{"{key}": {key}}}, timeout=30)\n'
        "answer.raise_for_status()\n"
        "print(answer.json())\n"
    )


def javascript(url: str, model: str, tensors: Sequence[Filled]) -> str:
    """A module on fetch, for browsers and Node."""
    if is_small(tensors):
        helper = ""
        key, values = _spelled(tensors)
        literal = orjson.dumps(values).decode()
    else:
        helper = f"{_FULL}\n"
        key, literal = _built(tensors, _javascript_array)
    return (
        f'{helper}const url = "{url}/v1/models/{model}:predict";\n'
        f"const {key} = {literal};\n"
        f"const body = JSON.stringify({{ {key} }});\n"
        'const answer = await fetch(url, { method: "POST", body });\n'
        "if (!answer.ok) throw new Error(await answer.text());\n"
        "console.log(JSON.stringify(await answer.json()));\n"
    )


def is_small(tensors: Sequence[Filled]) -> bool:
    """True when the values may be spelled out."""
    return sum(item.count for item in tensors) <= SPELLED_VALUES


_FULL = (
    "const full = (shape, value) =>\n"
    "  shape.length === 0\n"
    "    ? value\n"
    "    : Array.from({ length: shape[0] }, () => full(shape.slice(1), value));"
)


def _spelled(tensors: Sequence[Filled]) -> tuple[str, Any]:
    """The one key of a body in row form, and its value."""
    ((key, values),) = rows(tensors).items()
    return key, values


def _built(tensors: Sequence[Filled], array: Callable[[Filled], str]) -> tuple[str, str]:
    """A key of a body and its value, which both languages write alike but for the arrays."""
    if len(tensors) == 1:
        return "instances", array(tensors[0])
    lines = [f"{INDENT}{_quoted(item.name)}: {array(item)}," for item in tensors]
    return "inputs", "\n".join(["{", *lines, "}"])


def _python_array(item: Filled) -> str:
    return f"np.full({item.shape}, {item.value!r}).tolist()"


def _javascript_array(item: Filled) -> str:
    return f"full({list(item.shape)}, {orjson.dumps(item.value).decode()})"


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _head(item: Filled) -> Json:
    return {"name": item.name, "shape": list(item.shape), "datatype": item.datatype}
