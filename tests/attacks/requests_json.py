"""Requests whose JSON is not what it seems: values, shapes, keys, depth, size, encodings."""

import gzip
import json
import zlib
from collections.abc import Iterator

from tests.attacks.requests import (
    ANSWERED,
    EITHER,
    GOOD,
    PREDICT,
    REFUSED,
    Hostile,
    head,
    instances,
    post,
    raw_row,
    row,
)

ROW = json.dumps(row()).encode()


def json_requests() -> Iterator[Hostile]:
    """All of them."""
    for name, body in _documents().items():
        yield Hostile(f"json_{name}", "JSON document", (post(PREDICT, body),))
    for name, text in _values().items():
        yield Hostile(f"value_{name}", "JSON value", (post(PREDICT, raw_row(text)),))
    for name, body in _shapes().items():
        yield Hostile(f"shape_{name}", "JSON shape", (post(PREDICT, body),))
    for name, body in _tolerated().items():
        yield Hostile(f"json_{name}", "JSON keys", (post(PREDICT, body),), EITHER)
    yield from _encodings()
    yield from _floods()


def _documents() -> dict[str, bytes]:
    text = GOOD.decode()
    return {
        "empty": b"", "spaces": b" \n\t ", "null": b"null", "true": b"true", "number": b"1",
        "text": b'"a"', "list": b"[" + ROW + b"]", "object": b"{}", "trailing": GOOD + b"x",
        "two": GOOD + GOOD, "cut": GOOD[:-3], "single_quotes": GOOD.replace(b'"', b"'"),
        "comment": GOOD.replace(b"}", b"/* x */}"), "comma": GOOD.replace(b"]]", b",]]"),
        "nul": GOOD.replace(b"0.5", b"0.\x005", 1), "control": GOOD.replace(b"{", b"{\x01"),
        "bad_utf8": GOOD.replace(b"instances", b"instances\xff"), "utf_16": text.encode("utf-16"),
        "utf_32": text.encode("utf-32"), "utf_7": text.replace("{", "+AHs-").encode(),
        "surrogate": b'{"\\ud800": 1, ' + GOOD[1:], "overlong": GOOD.replace(b"{", b"\xc0\xbb"),
        "both": instances(row(), inputs=[row()]), "missing": b'{"instance": [[1]]}',
        "signature": instances(row(), signature_name="nope"),
        "signature_path": instances(row(), signature_name="../../etc/passwd"),
        "signature_list": instances(row(), signature_name=[]),
        "signature_long": instances(row(), signature_name="a" * 500_000),
        "signature_control": instances(row(), signature_name="a\r\nX-Evil: 1\x1b[31m"),
        "many_keys": json.dumps({f"k{n}": 1 for n in range(100_000)}).encode(),
        "pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix\x94.",
        "xml": b"<?xml version='1.0'?>",
        "entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "yaml": b"instances: !!python/object/apply:os.system [id]", "form": b"instances=[[1]]",
    }  # fmt: skip


def _values() -> dict[str, str]:
    return {
        "nan": "NaN", "infinity": "Infinity", "minus_infinity": "-Infinity", "nan_lower": "nan",
        "1e400": "1e400", "1e39": "1e39", "minus_1e39": "-1e39", "digits_400": "9" * 400,
        "digits_5000": "9" * 5000, "digits_million": "9" * 1_000_000, "hex": "0x10", "octal": "010",
        "leading_zero": "01", "plus": "+1", "dot": ".5", "dot_end": "5.", "underscore": "1_0",
        "exponent_empty": "1e", "exponent_huge": "1e99999999999", "double_minus": "--1",
        "text": '"a"', "number_text": '"1"', "empty_text": '""', "date": '"2026-01-01"',
        "true": "true", "null": "null", "undefined": "undefined", "object": '{"a": 1}',
        "b64": '{"b64": "AAAA"}', "b64_bad": '{"b64": "***"}', "list": "[1]", "empty_list": "[]",
        "complex": '{"real": 1, "imag": 2}', "decimal": '{"__decimal__": "1"}', "long": "1L",
        "class": '{"__class__": "os.system"}', "template": '"{{7*7}}"', "wide_digits": "\uff11",
        "fraction": "1/2", "comma_decimal": "1,5", "suffix": "1f", "infinity_word": "inf",
    }  # fmt: skip


def _shapes() -> dict[str, bytes]:
    short, long = row()[:-1], [*row(), 1]
    deep: object = 1
    for _ in range(60):
        deep = [deep]
    return {
        "null": b'{"instances": null}', "object": b'{"instances": {}}',
        "text": b'{"instances": "a"}',
        "number": b'{"instances": 5}', "no_rows": instances(), "empty_row": instances([]),
        "short": instances(short), "long": instances(long), "ragged": instances(row(), short),
        "ragged_late": instances(*[row()] * 2000, long), "rank_0": instances(1),
        "rank_1": json.dumps({"instances": row()}).encode(), "rank_3": instances([row()]),
        "rank_60": instances(deep), "columns": instances([[value] for value in row()]),
        "nested_value": instances(row([1])), "mixed": instances(row(), {"features": row()}),
        "named_wrong": instances({"nope": row()}),
        "named_more": instances({"features": row(), "x": 1}),
        "named_empty": instances({}), "inputs_null": b'{"inputs": null}',
        "inputs_empty": b'{"inputs": []}',
        "inputs_missing": b'{"inputs": {}}', "inputs_named_wrong": b'{"inputs": {"nope": [[1]]}}',
        "inputs_text": b'{"inputs": "a"}', "inputs_ragged": b'{"inputs": [[1, 2], [3]]}',
        "null_row": instances(row(), None), "bool_row": instances(True),
        "text_row": instances("abc"),
        "rows_of_objects": instances(*[{}] * 1000), "million_empty": instances(*[[]] * 200_000),
        "swapped": json.dumps({"instances": [[0.5]] * 30}).encode(),
    }  # fmt: skip


def _tolerated() -> dict[str, bytes]:
    twice = GOOD[:-1] + b', "instances": ' + GOOD.partition(b": ")[2]
    return {
        "key_twice": twice, "key_unknown": instances(row(), instance=1),
        "byte_order_mark": b"\xef\xbb\xbf" + GOOD,
        "key_proto": instances(row(), __proto__={"x": 1}, __class__="os"),
        "key_long": instances(row(), **{"k" * 1_000_000: 1}),
        "key_empty": instances(row(), **{"": 1}),
        "key_control": instances(row(), **{"a\r\n\x1b[31m": 1}), "tiny": raw_row("1e-400"),
        "denormal": raw_row("1e-45"), "minus_zero": raw_row("-0.0"),
        "long_float": raw_row("0." + "1" * 500_000),
        "long_exponent": raw_row("1e-" + "9" * 300), "large": raw_row("3.4e38"),
        "spaced": GOOD.replace(b" ", b" \n\t" * 1000),
        "zero_exponent": raw_row("0e999999999"), "deep_unknown": instances(row(), x=[[[[[[1]]]]]]),
    }  # fmt: skip


def _encodings() -> Iterator[Hostile]:
    zipped, zlibbed = gzip.compress(GOOD), zlib.compress(GOOD)
    bodies = {
        "not_gzip": ("gzip", GOOD, REFUSED), "gzip_cut": ("gzip", zipped[:-9], REFUSED),
        "gzip_checksum": ("gzip", zipped[:-6] + b"\0\0" + zipped[-4:], REFUSED),
        "gzip_size": ("gzip", zipped[:-1] + b"\x7f", REFUSED), "gzip_empty": ("gzip", b"", REFUSED),
        "gzip_trailing": ("gzip", zipped + b"trailing", REFUSED),
        "gzip_header": ("gzip", zipped[:10], REFUSED),
        "gzip_twice": ("gzip, gzip", gzip.compress(zipped), REFUSED), "br": ("br", GOOD, (415,)),
        "zstd": ("zstd", GOOD, (415,)), "unknown": ("x-nope", GOOD, (415,)),
        "comma": ("gzip,", zipped, (415,)),
        "list": (", ".join(["gzip"] * 20), zipped, (415,)),
        "deflate_raw": ("deflate", zlibbed[2:-4], REFUSED),
        "deflate_cut": ("deflate", zlibbed[:-2], REFUSED),
        "deflate_gzip": ("deflate", zipped, REFUSED),
        "gzip_members": ("gzip", gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:]), ANSWERED),
        "gzip_good": ("gzip", zipped, ANSWERED), "deflate_good": ("deflate", zlibbed, ANSWERED),
        "gzip_many_members": ("gzip", gzip.compress(b" ") * 20_000 + zipped, REFUSED),
        "gzip_says_plain": ("identity", zipped, REFUSED), "long_name": ("g" * 5000, GOOD, (415,)),
        "control": ("\x7fgzip", zipped, REFUSED), "bomb": ("gzip", _bomb(b"\0"), (413,)),
        "bomb_of_spaces": ("gzip", _bomb(b" "), (413,)),
        "bomb_deflate": ("deflate", _bomb(b" ", 15), (413,)),
    }  # fmt: skip
    for name, (encoding, body, expect) in bodies.items():
        sent = post(PREDICT, body, ("Content-Encoding", encoding))
        yield Hostile(f"encoding_{name}", "Content-Encoding", (sent,), expect)
    for number, kind in enumerate(
        ("text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-npy",
         "application/x-python-pickle", "application/json, text/html", "*/*", ";;;==//", "",
         "application/json; charset=utf-16", "application/json; charset=klingon", "x" * 5000,
         "application/json; charset=zip", "application/x-www-form-urlencoded")
    ):  # fmt: skip
        sent = post(PREDICT, GOOD, ("Content-Type", kind))
        yield Hostile(f"type_{number}", "Content-Type", (sent,), EITHER)


def _bomb(byte: bytes, wrapping: int = 31) -> bytes:
    """200 MiB in 200 kB."""
    stream = zlib.compressobj(9, wbits=wrapping)
    block = byte * (1 << 20)
    return b"".join(stream.compress(block) for _ in range(200)) + stream.flush()


def _floods() -> Iterator[Hostile]:
    for name, opening, times in (
        ("list_100", b"[", 100), ("list_1e4", b"[", 10_000), ("list_1e6", b"[", 1_000_000),
        ("object_1e5", b'{"a":', 100_000), ("open_5e6", b"[", 5_000_000),
    ):  # fmt: skip
        closing = b"1" + (b"]" if opening == b"[" else b"}") * times
        body = b'{"instances": ' + opening * times + (b"" if "open" in name else closing + b"}")
        yield Hostile(f"depth_{name}", "JSON depth", (post(PREDICT, body),))
        inputs = body.replace(b"instances", b"inputs", 1)
        yield Hostile(f"depth_{name}_inputs", "JSON depth", (post(PREDICT, inputs),))
    for name, middle, times in (("rows_3e5", ROW + b",", 60_000), ("spaces", b" " * 1000, 300_000)):
        start, end = b'{"instances": [', ROW + b"]}"
        size = ("Content-Length", str(len(start) + len(middle) * times + len(end)))
        line = head(f"POST {PREDICT} HTTP/1.1", size, ("Connection", "close"))
        expect = (413,) if name == "spaces" else (200, 400, 413, 429)
        yield Hostile(
            f"flood_{name}", "body size", (line + start, middle, end), expect, repeat=times
        )
    chunked = head(f"POST {PREDICT} HTTP/1.1", ("Transfer-Encoding", "chunked"))
    last = b"%x\r\n" % len(GOOD) + GOOD + b"\r\n0\r\n\r\n"
    pieces = (chunked, b"1\r\n \r\n", last)
    yield Hostile("flood_million_chunks", "body size", pieces, EITHER, repeat=1_000_000)
    block = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    yield Hostile("flood_chunks_200mb", "body size", (chunked, block, last), (413,), repeat=200)
