"""Requests of version 2 that lie about their tensors: lengths, shapes, datatypes, names."""

import json
import struct
from collections.abc import Iterator
from typing import Any

from tests.attacks.requests import (
    ANSWERED,
    EITHER,
    INFER,
    INPUT,
    OUTPUT,
    REFUSED,
    UNSUPPORTED,
    WIDTH,
    Hostile,
    post,
)

DATA = struct.pack(f"<{WIDTH}f", *[0.5] * WIDTH)
SIZE = len(DATA)
NAN, INFINITY, SIGNALLING = 0x7FC00000, 0x7F800000, 0x7F800001
LENGTH_HEADER = "Inference-Header-Content-Length"
UNSET = object()


def tensor(**other: Any) -> dict[str, Any]:
    """An input that fits, with other keys in place of its own."""
    size = other.pop("size", SIZE)
    own: dict[str, Any] = {"name": INPUT, "shape": [1, WIDTH], "datatype": "FP32"}
    if size is not UNSET:
        own["parameters"] = {"binary_data_size": size}
    return {key: value for key, value in {**own, **other}.items() if value is not UNSET}


def asked(*inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"inputs": list(inputs), **more}


def binary(document: Any, data: bytes = DATA, length: object = None) -> bytes:
    """A whole request; the length of its JSON is told truly unless another is given."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    told = len(text) if length is None else length
    return post(INFER, text + data, (LENGTH_HEADER, str(told)))


def binary_requests() -> Iterator[Hostile]:
    """All of them."""
    yield Hostile("v2_good_binary", "control", (binary(asked(tensor())),), ANSWERED)
    plain = asked(tensor(size=UNSET, data=[0.5] * WIDTH))
    yield Hostile("v2_good_json", "control", (post(INFER, json.dumps(plain).encode()),), ANSWERED)
    yield Hostile("v2_good_raw", "control", (binary(b"", DATA, 0),), ANSWERED)
    groups = (_sizes(), _lengths(), _shapes(), _datatypes(), _names(), _documents())
    for group in groups:
        for name, sent in group.items():
            yield Hostile(f"v2_{name}", "binary tensors", (sent,), UNSUPPORTED)
    for name, sent in _tolerated().items():
        yield Hostile(f"v2_{name}", "binary tensors", (sent,), (*EITHER, 504))
    for name, sent in _json_data().items():
        yield Hostile(f"v2_{name}", "JSON tensors", (post(INFER, sent),), REFUSED)
    text = json.dumps(asked(tensor())).encode()
    two = post(INFER, text + DATA, (LENGTH_HEADER, str(len(text))), (LENGTH_HEADER, "5"))
    yield Hostile("v2_length_twice", "binary tensors", (two,))
    yield Hostile("v2_length_none", "binary tensors", (post(INFER, text + DATA),))


def _sizes() -> dict[str, bytes]:
    sizes = {
        "more": SIZE * 100, "less": 8, "zero": 0, "negative": -SIZE, "2p31": 2**31, "2p63": 2**63,
        "wraps": 2**64 + SIZE, "float": float(SIZE), "text": str(SIZE), "true": True,
        "list": [SIZE],
        "1e400": 10**400, "object": {}, "odd": SIZE - 1, "one_more": SIZE + 1,
    }  # fmt: skip
    cases = {f"size_{name}": binary(asked(tensor(size=size))) for name, size in sizes.items()}
    raw = json.dumps(asked(tensor())).replace(f'size": {SIZE}', 'size": 1.2e2').encode()
    return cases | {
        "size_exponent": binary(raw),
        "size_null": binary(asked(tensor(size=None))),
        "data_twice_as_long": binary(asked(tensor()), DATA * 2),
        "data_none": binary(asked(tensor()), b""),
        "data_short": binary(asked(tensor()), DATA[:-1]),
        "data_one_more": binary(asked(tensor()), DATA + b"\0"),
        "data_and_binary": binary(asked(tensor(data=[0.5] * WIDTH))),
        "data_neither": binary(asked(tensor(size=UNSET))),
    }


def _lengths() -> dict[str, bytes]:
    lengths = (
        10**5, 10, 1, -1, "abc", 2**31, 2**64, 10**400, "+5", "0x10", "1_0", "", " ", "5, 5", "1e2",
        "5.0", "\xb2", "NaN",
    )  # fmt: skip
    document = asked(tensor())
    cases = {f"length_{n}": binary(document, DATA, told) for n, told in enumerate(lengths)}
    cases["raw_short"] = binary(b"", DATA[:-4], 0)
    cases["raw_odd"] = binary(b"", DATA[:-1], 0)
    cases["raw_empty"] = binary(b"", b"", 0)
    cases["raw_json"] = binary(document, DATA, 0)
    return cases


def _shapes() -> dict[str, bytes]:
    shapes: dict[str, Any] = {
        "negative": [-1, WIDTH], "two_negatives": [-1, -WIDTH], "no_rows": [0, WIDTH],
        "no_width": [1, 0],
        "wraps_to_0": [2**32, 2**32], "wraps_to_1": [2**62, 4, 1], "wraps_to_30": [2**63 + 15, 2],
        "billion": [10**9, WIDTH], "2p64": [2**64 + 1, WIDTH], "1e400": [10**400, WIDTH],
        "none": None,
        "float": [1.0, WIDTH], "text": ["1", "30"], "true": [True, WIDTH], "null": [None, WIDTH],
        "empty": [], "scalar": 30, "object": {}, "string": "30", "nested": [[1, WIDTH]],
        "flat": [WIDTH],
        "rank_100": [1] * 99 + [WIDTH], "rank_1e5": [1] * 100_000, "swapped": [WIDTH, 1],
        "wide": [1, 31],
        "narrow": [1, 29], "two_rows": [2, WIDTH], "split": [2, 15], "missing": UNSET,
    }  # fmt: skip
    cases = {f"shape_{name}": binary(asked(tensor(shape=shape))) for name, shape in shapes.items()}
    text = json.dumps(asked(tensor())).replace("[1, 30]", "[1e0, 30]").encode()
    cases["shape_exponent"] = binary(text)
    for name in ("no_rows", "no_width", "wraps_to_0", "empty"):
        cases[f"shape_{name}_sized_0"] = binary(asked(tensor(shape=shapes[name], size=0)), b"")
    return cases


def _datatypes() -> dict[str, bytes]:
    datatypes = (
        "FP33", "fp32", "<f4", "O", "object", "", "FP32 ", "FP32\0", "float32", "STRING", "V16",
        "U4",
        ["FP32"], 5, None, UNSET, "../../x", "a" * 100_000, "BYTES",
    )  # fmt: skip
    cases = {f"type_{n}": binary(asked(tensor(datatype=t))) for n, t in enumerate(datatypes)}
    for name, data in (
        ("huge", struct.pack("<I", 0xFFFFFFFF) + b"abcd"), ("cut", b"\1\0\0"),
        ("bare", b"\5\0\0\0"),
        ("many", b"\0\0\0\0" * 100_000),
    ):  # fmt: skip
        described = tensor(datatype="BYTES", size=len(data))
        cases[f"bytes_{name}"] = binary(asked(described), data)
    return cases


def _names() -> dict[str, bytes]:
    names = (
        "nope",
        "",
        5,
        None,
        UNSET,
        [INPUT],
        INPUT + "\0",
        INPUT.upper(),
        "../x",
        "a" * 500_000,
    )
    cases = {f"name_{n}": binary(asked(tensor(name=name))) for n, name in enumerate(names)}
    outputs: dict[str, Any] = {
        "unknown": [{"name": "nope"}], "1e5": [{"name": f"o{n}"} for n in range(100_000)],
        "same_1e5": [{"name": OUTPUT}] * 100_000, "text": "all", "object": {}, "number": 5,
        "numbers": [1, 2], "no_name": [{}], "path": [{"name": "../../etc/passwd"}],
        "memory": [{"name": OUTPUT, "parameters": {"shared_memory_region": "x"}}],
        "classes_text": [{"name": OUTPUT, "parameters": {"classification": "9"}}],
        "classes_negative": [{"name": OUTPUT, "parameters": {"classification": -1}}],
        "classes_float": [{"name": OUTPUT, "parameters": {"classification": 1.5}}],
        "binary_text": [{"name": OUTPUT, "parameters": {"binary_data": "yes"}}],
        "parameters_list": [{"name": OUTPUT, "parameters": [1]}],
    }  # fmt: skip
    for name, listed in outputs.items():
        cases[f"outputs_{name}"] = binary(asked(tensor(), outputs=listed))
    return cases


def _documents() -> dict[str, bytes]:
    memory = {"shared_memory_region": "/psm_x", "shared_memory_byte_size": 16}
    parameters: dict[str, Any] = {
        "timeout_text": {"timeout": "1"}, "timeout_negative": {"timeout": -1}, "list": [],
        "text": "x",
        "timeout_2p64": {"timeout": 2**64}, "priority": {"priority": -1}, "nested": {"a": {"b": 1}},
        "reserved": {"triton_x": 1}, "output_flag": {"binary_data_output": 1},
        "sequence": {"sequence_id": {}},
        "1e5": {f"p{n}": 1 for n in range(100_000)},
    }  # fmt: skip
    cases = {
        f"parameters_{name}": binary(asked(tensor(), parameters=value))
        for name, value in parameters.items()
    }
    return cases | {
        "inputs_none": binary({"inputs": []}), "inputs_missing": binary({}),
        "inputs_null": binary({"inputs": None}),
        "inputs_object": binary({"inputs": {}}), "inputs_numbers": binary({"inputs": [1]}),
        "list": binary([]),
        "inputs_twice": binary(asked(tensor(), tensor()), DATA * 2), "null": binary(None),
        "number": binary(5),
        "inputs_more": binary(asked(tensor(), tensor(name="nope")), DATA * 2),
        "memory": binary(asked(tensor(size=UNSET, parameters=memory))),
        "inputs_1e5": binary(asked(*[tensor(size=0)] * 100_000), b""),
        "json_cut": binary(b'{"inputs": ['),
        "json_deep": binary(b'{"inputs":' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
        "json_nul": binary(b"\0" * 100),
        "json_deep_open": binary(b"[" * 1_000_000), "json_nan": binary(b'{"inputs": [NaN]}'),
        "id_object": binary(asked(tensor(), id={"a": 1})),
        "id_number": binary(asked(tensor(), id=5)),
        "id_list": binary(asked(tensor(), id=["a"])), "json_utf8": binary(b'{"inputs": ["\xff"]}'),
    }  # fmt: skip


def _tolerated() -> dict[str, bytes]:
    first = {"nan": NAN, "infinity": INFINITY, "signalling": SIGNALLING}
    cases = {
        f"value_{name}": binary(asked(tensor()), struct.pack("<I", bits) + DATA[4:])
        for name, bits in first.items()
    }
    twice = f'{{"inputs": [{{"name": "{INPUT}", "shape": [1, 30], "shape": [1000000, 30], "datatype": "FP32", "parameters": {{"binary_data_size": {SIZE}}}}}]}}'  # noqa: E501
    return cases | {
        "id_injection": binary(asked(tensor(), id="a\r\nX-Evil: 1\n\x1b[31m")),
        "id_long": binary(asked(tensor(), id="a" * 500_000)),
        "id_surrogate": binary(b'{"id": "\\ud800", ' + json.dumps(asked(tensor())).encode()[1:]),
        "shape_twice": binary(twice.encode()),
        "outputs_twice": binary(asked(tensor(), outputs=[{"name": OUTPUT}] * 2)),
        "type_fp64": binary(asked(tensor(datatype="FP64", size=SIZE * 2)), DATA * 2),
        "type_int32": binary(asked(tensor(datatype="INT32"))),
        "type_bool": binary(
            asked(tensor(datatype="BOOL", size=WIDTH)), b"\0\1\2\xff" * 7 + b"\0\0"
        ),
        "key_unknown": binary(asked(tensor(), instances=[[1]])),
        "timeout_1": binary(asked(tensor(), parameters={"timeout": 1})),
        "classes_million": binary(
            asked(tensor(), outputs=[{"name": OUTPUT, "parameters": {"classification": 10**6}}])
        ),
    }


def _json_data() -> dict[str, bytes]:
    values: dict[str, Any] = {
        "short": [0.5] * 29, "long": [0.5] * 31, "text": "abc", "texts": ["a"] * WIDTH,
        "object": {},
        "number": 5, "nested_ragged": [[0.5] * 15, [0.5] * 14], "nulls": [None] * WIDTH,
        "empty": [],
        "trues": [True] * WIDTH, "large": [1e39] * WIDTH, "huge": [10**400] * WIDTH,
        "lists": [[0.5]] * 29 + [[[0.5]]], "objects": [{}] * WIDTH,
    }  # fmt: skip
    cases = {
        f"json_{name}": json.dumps(asked(tensor(size=UNSET, data=data))).encode()
        for name, data in values.items()
    }
    good = json.dumps(asked(tensor(size=UNSET, data=[0.5] * WIDTH))).encode()
    for name, word in (("nan", b"NaN"), ("infinity", b"Infinity"), ("1e400", b"1e400")):
        cases[f"json_word_{name}"] = good.replace(b"0.5", word, 1)
    cases["json_data_deep"] = good.replace(b"[0.5", b"[" * 100_000 + b"0.5")
    cases["json_fp16"] = good.replace(b"FP32", b"FP16")
    cases["json_bf16"] = good.replace(b"FP32", b"BF16")
    cases["json_trailing"] = good + b"x"
    cases["json_negative"] = good.replace(b"[1, 30]", b"[-1, 30]")
    cases["json_wraps"] = good.replace(b"[1, 30]", b"[18446744073709551617, 30]")
    return cases
