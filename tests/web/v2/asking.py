"""Requests as clients write them, and answers as they read them, for the tests of this protocol."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from service.base.signature import STRING, Signature, Tensors, TensorSpec
from service.repository.decisions import chooser, decider, maker
from service.repository.model_config import ModelConfig
from service.web.exchange import Asked, Call, Facts, Identity, Reply
from service.web.paths import PredictPath
from service.web.v2.infer import Infer

FLOATS = Signature(
    (TensorSpec("x", "float32", (None, 2)),),
    (TensorSpec("probs", "float32", (None, 3), activation="softmax"),),
)
PLAIN = ModelConfig()
LENGTH = "inference-header-content-length"


def facts(
    signature: Signature = FLOATS,
    config: ModelConfig = PLAIN,
    max_rows: int = 100,
    extra_keys: bool = False,
) -> Facts:
    """A version 7 of the model `churn`."""
    decides = decider(config, signature) is not None
    chooses = chooser(config, signature) is not None
    identity = Identity("churn", 7, "f" * 64, "h5", "2.4.0", "keras", "onnx")
    return Facts(identity, signature, config, decides, max_rows, extra_keys, chooses)


def echoing(dtype: str, shape: Sequence[int | None] = (None, 2)) -> Signature:
    """A signature with one input `x` and one output `y` alike."""
    axes = tuple(shape)
    return Signature((TensorSpec("x", dtype, axes),), (TensorSpec("y", dtype, axes),))


def call(body: bytes, length: int | str | None = None, within_s: float = 30) -> Call:
    """A call with this body; `length` is what its header says of the JSON in it."""
    headers = {} if length is None else {LENGTH.encode(): str(length).encode()}
    return Call(PredictPath("churn", None, "infer"), headers, body, time.monotonic() + within_s)


def json_call(record: Any) -> Call:
    """A call that is JSON alone."""
    return call(orjson.dumps(record))


def binary_call(record: Any, *blobs: bytes) -> Call:
    """A call with raw data behind its JSON."""
    header = orjson.dumps(record)
    return call(header + b"".join(blobs), len(header))


def one_input(data: Any, shape: Sequence[int], datatype: str = "FP32") -> dict[str, Any]:
    """The usual request: one input `x` with its data in JSON."""
    return {"inputs": [{"name": "x", "shape": list(shape), "datatype": datatype, "data": data}]}


def one_binary(size: int, shape: Sequence[int], datatype: str = "FP32") -> dict[str, Any]:
    """The usual request, but for data that lie behind it."""
    parameters = {"binary_data_size": size}
    described = {"name": "x", "shape": list(shape), "datatype": datatype, "parameters": parameters}
    return {"inputs": [described]}


def decode(asked_call: Call, of: Facts) -> Asked:
    """What a fresh translator reads."""
    return Infer().decode(asked_call, of)


def answer(asked_call: Call, of: Facts, outputs: Tensors) -> Reply:
    """The answer to a call, if the model gave these outputs."""
    translator = Infer()
    asked = translator.decode(asked_call, of)
    decide = maker(of.config, of.signature)
    decided = None if decide is None else decide(outputs[of.signature.outputs[0].name])
    return translator.encode(asked, of, outputs, decided)


@dataclass(frozen=True)
class Read:
    """An answer taken apart: its JSON, and the raw bytes of each binary output."""

    record: Any
    blobs: dict[str, bytes]

    def tensor(self, name: str, dtype: str) -> np.ndarray:
        """An output as NumPy, wherever it stood."""
        output = next(item for item in self.record["outputs"] if item["name"] == name)
        if name not in self.blobs:
            flat = np.empty(len(output["data"]), object if dtype == STRING else dtype)
            flat[:] = output["data"]
        elif dtype == STRING:
            texts = split_texts(self.blobs[name])
            flat = np.empty(len(texts), object)
            flat[:] = texts
        else:
            flat = np.frombuffer(self.blobs[name], dtype)
        return flat.reshape(output["shape"])


def read(reply: Reply) -> Read:
    """Take an answer apart as a client does."""
    length = dict(reply.headers).get("Inference-Header-Content-Length")
    start = len(reply.content) if length is None else int(length)
    record = orjson.loads(reply.content[:start])
    blobs: dict[str, bytes] = {}
    for output in record["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        if size is not None:
            blobs[output["name"]] = reply.content[start : start + size]
            start += size
    assert start == len(reply.content)
    return Read(record, blobs)


def join_texts(texts: Sequence[str]) -> bytes:
    """Texts in the binary form."""
    raw = [text.encode() for text in texts]
    return b"".join(len(item).to_bytes(4, "little") + item for item in raw)


def split_texts(content: bytes) -> list[str]:
    """The reverse of `join_texts`."""
    texts, start = [], 0
    while start < len(content):
        end = start + 4 + int.from_bytes(content[start : start + 4], "little")
        texts.append(content[start + 4 : end].decode())
        start = end
    return texts
