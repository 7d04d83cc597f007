"""How each server wants to be asked: rows to a request, an answer to an array."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.models import INPUT, Model
from benchmarks.samples import Rows

JSON = "application/json"
OCTETS = "application/octet-stream"
HEAD_LENGTH = "Inference-Header-Content-Length"
BOUNDARY = "a-boundary-of-the-benchmark"


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})


Headers = Mapping[str, str]  # the names in lower case
Ask = Callable[[Model, Rows], Request]
Read = Callable[[Headers, bytes], Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to ask for predictions; `read` raises LookupError or ValueError on nonsense."""

    ask: Ask
    read: Read


def listed(rows: Any) -> str:
    """Nested JSON lists with four decimals, as long as real data and exact for the samples."""
    if np.ndim(rows) == 0:
        return f"{rows:.4f}"
    return "[" + ", ".join(map(listed, rows)) + "]"


def json_lists(path: str, key: str, answer_key: str | None) -> Dialect:
    """An object with the rows under one key, answered by an object or by bare lists."""

    def ask(model: Model, rows: Rows) -> Request:
        return Request(path.format(model=model.name), f'{{"{key}": {listed(rows)}}}'.encode())

    def read(_headers: Headers, body: bytes) -> Any:
        answer = json.loads(body)
        return answer if answer_key is None else answer[answer_key]

    return Dialect(ask, read)


def raw(path: str) -> Dialect:
    """Nothing but the numbers, little-endian, both ways."""

    def ask(_model: Model, rows: Rows) -> Request:
        return Request(path, rows.tobytes(), {"Content-Type": OCTETS})

    return Dialect(ask, lambda _headers, body: np.frombuffer(body, "<f4"))


def npy(path: str) -> Dialect:
    """A file as `numpy.save` writes it, both ways."""

    def ask(_model: Model, rows: Rows) -> Request:
        file = io.BytesIO()
        np.save(file, rows)
        return Request(path, file.getvalue(), {"Content-Type": OCTETS})

    return Dialect(ask, lambda _headers, body: np.load(io.BytesIO(body)))


def multipart(path: str, name: str, answer_key: str) -> Dialect:
    """The numbers as an uploaded file, answered in JSON."""
    disposition = f'form-data; name="{name}"; filename="rows"'

    def ask(_model: Model, rows: Rows) -> Request:
        head = f"Content-Disposition: {disposition}\r\nContent-Type: {OCTETS}\r\n\r\n"
        parts = (
            f"--{BOUNDARY}\r\n{head}".encode(),
            rows.tobytes(),
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        )
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return Request(path, b"".join(parts), {"Content-Type": kind})

    return Dialect(ask, lambda _headers, body: json.loads(body)[answer_key])


def _ask_v2_json(model: Model, rows: Rows) -> Request:
    tensor = f'"name": "{INPUT}", "shape": {list(rows.shape)}, "datatype": "FP32"'
    body = f'{{"inputs": [{{{tensor}, "data": {listed(rows.ravel())}}}]}}'
    return Request(_v2_path(model), body.encode())


def _ask_v2_binary(model: Model, rows: Rows) -> Request:
    numbers = rows.tobytes()
    tensor = {
        "name": INPUT,
        "shape": list(rows.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": len(numbers)},
    }
    wanted = {"name": model.output, "parameters": {"binary_data": True}}
    head = json.dumps({"inputs": [tensor], "outputs": [wanted]}).encode()
    headers = {"Content-Type": OCTETS, HEAD_LENGTH: str(len(head))}
    return Request(_v2_path(model), head + numbers, headers)


def _read_v2(headers: Headers, body: bytes) -> Any:
    """The first output, wherever its numbers are."""
    length = headers.get(HEAD_LENGTH.lower())
    head = json.loads(body if length is None else body[: int(length)])
    output = head["outputs"][0]
    if length is None:
        return np.reshape(output["data"], output["shape"])
    size = output["parameters"]["binary_data_size"]
    numbers = body[int(length) : int(length) + size]
    return np.frombuffer(numbers, "<f4").reshape(output["shape"])


def _v2_path(model: Model) -> str:
    return f"/v2/models/{model.name}/infer"


V1 = json_lists("/v1/models/{model}:predict", "instances", "predictions")
V2_JSON = Dialect(_ask_v2_json, _read_v2)
V2_BINARY = Dialect(_ask_v2_binary, _read_v2)
