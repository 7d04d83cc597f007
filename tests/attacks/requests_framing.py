"""Requests whose length or parts can be read in two ways: smuggling, chunks, broken lines."""

from collections.abc import Iterator

from tests.attacks.requests import ANSWERED, CLOSED, EITHER, GOOD, PREDICT, REFUSED, Hostile, head

LINE = f"POST {PREDICT} HTTP/1.1"
CHUNKED = ("Transfer-Encoding", "chunked")
CLOSE = ("Connection", "close")
LENGTH = f"Content-Length: {len(GOOD)}".encode()
WHOLE = b"%x\r\n" % len(GOOD) + GOOD + b"\r\n0\r\n\r\n"
SECOND = head("POST /v1/models/smuggled:predict HTTP/1.1", ("Content-Length", "0"))


def framing_requests() -> Iterator[Hostile]:
    """All of them."""
    yield from _lengths()
    yield from _codings()
    yield from _chunks()
    yield from _smuggled()
    yield from _pipelines()


def _lengths() -> Iterator[Hostile]:
    values = {
        "negative": "-5", "plus": f"+{len(GOOD)}", "text": "many", "hex": "0x2a", "octal": "0o52",
        "underscore": "1_0", "space": "4 2", "decimal": "42.0", "exponent": "4e1", "empty": "",
        "list": f"{len(GOOD)}, {len(GOOD)}", "list_two": "5, 42", "quoted": '"42"',
        "superscript": "\xb2", "digits": "9" * 4000, "wraps": str(2**64 + len(GOOD)), "nan": "NaN",
    }  # fmt: skip
    for name, value in values.items():
        yield Hostile(f"length_{name}", "framing", (head(LINE, ("Content-Length", value)) + GOOD,))
    arabic = head(LINE, "Content-Length: \u0664\u0662".encode())
    yield Hostile("length_arabic", "framing", (arabic + GOOD,))
    for name, more in (("twice", LENGTH), ("twice_other", b"Content-Length: 5")):
        yield Hostile(f"length_{name}", "framing", (head(LINE, LENGTH, more) + GOOD,))
    for name, size in (("1e18", 10**18), ("2p63", 2**63 - 1), ("1gb", 10**9)):
        declared = head(LINE, ("Content-Length", str(size)))
        yield Hostile(f"length_{name}", "framing", (declared,), (413,))
        asking = head(LINE, ("Content-Length", str(size)), ("Expect", "100-continue"))
        yield Hostile(f"length_{name}_expected", "framing", (asking,), (413,))
    cut = head(LINE, ("Content-Length", "10"), CLOSE)
    yield Hostile("length_short", "framing", (cut + GOOD,), (400,))
    long = head(LINE, ("Content-Length", "1000"))
    yield Hostile("length_long_half_closed", "framing", (long + GOOD,), ends="closes")
    yield Hostile("length_long_reset", "framing", (long + GOOD,), (CLOSED,), ends="resets")
    yield Hostile("length_none", "framing", (head(LINE, CLOSE) + GOOD,))


def _codings() -> Iterator[Hostile]:
    values = {
        "twice": "chunked, chunked", "gzip_first": "gzip, chunked", "gzip_last": "chunked, gzip",
        "unknown": "xchunked", "identity": "identity", "quoted": '"chunked"', "empty": "",
        "tab": "\x0bchunked", "nul": "chunked\0", "comma": "chunked,", "parameter": "chunked;q=1",
        "trailing": "chunked x", "nbsp": "\xa0chunked", "dotted": "ch\xfcnked",
    }  # fmt: skip
    for name, value in values.items():
        yield Hostile(
            f"coding_{name}", "framing", (head(LINE, ("Transfer-Encoding", value)) + WHOLE,)
        )
    old = head(f"POST {PREDICT} HTTP/1.0", CHUNKED) + WHOLE
    yield Hostile("coding_in_1_0", "framing", (old,))
    two = head(LINE, CHUNKED, ("Transfer-Encoding", "identity")) + WHOLE
    yield Hostile("coding_two_headers", "framing", (two,))
    case = head(LINE, ("tRANSFER-eNCODING", "CHUNKED"), CLOSE) + WHOLE
    yield Hostile("coding_upper_case", "framing", (case,), ANSWERED)


def _chunks() -> Iterator[Hostile]:
    bodies = {
        "size_text": b"zz\r\nabc\r\n0\r\n\r\n", "size_negative": b"-5\r\nabcde\r\n0\r\n\r\n",
        "size_prefix": b"0x5\r\nabcde\r\n0\r\n\r\n", "size_underscore": b"1_0\r\n" + bytes(16),
        "size_2p64": b"10000000000000000\r\nabc", "size_2p68": b"F" * 17 + b"\r\nabc",
        "size_space": b"5 \r\nabcde\r\n0\r\n\r\n", "size_leading": b" 5\r\nabcde\r\n0\r\n\r\n",
        "size_empty": b"\r\nabc\r\n0\r\n\r\n", "size_plus": b"+5\r\nabcde\r\n0\r\n\r\n",
        "longer": b"3\r\nabcdef\r\n0\r\n\r\n", "lf_only": b"5\nabcde\n0\n\n",
        "lf_in_extension": b"5;a\nb\r\nabcde\r\n0\r\n\r\n", "nul": b"5;\0\r\nabcde\r\n0\r\n\r\n",
        "cr_only": b"5\rabcde\r0\r\r", "no_crlf": b"5\r\nabcde0\r\n\r\n",
        "trailer_length": b"5\r\nabcde\r\n0\r\nContent-Length: 5\r\n\r\n",
        "trailer_coding": b"5\r\nabcde\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "trailer_bad_name": b"5\r\nabcde\r\n0\r\nBad Name: x\r\n\r\n",
        "many_zeros": b"0" * 5000 + b"5\r\nabcde\r\n0\r\n\r\n",
        "trailers": b"5\r\nabcde\r\n0\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n",
        "extension_long": b"5;" + b"x" * 500_000 + b"\r\nabcde\r\n0\r\n\r\n",
    }  # fmt: skip
    for name, body in bodies.items():
        yield Hostile(f"chunk_{name}", "framing", (head(LINE, CHUNKED, CLOSE) + body,))
    for name, body in (("unended", WHOLE[:-5]), ("cut", WHOLE[:-20]), ("short", b"20\r\nabc\r\n")):
        whole = head(LINE, CHUNKED, CLOSE) + body
        yield Hostile(f"chunk_{name}", "framing", (whole,), ends="closes")
    trailer = WHOLE[:-2] + b"X-Request-Id: forged\r\nHost: evil\r\n\r\n"
    yield Hostile(
        "chunk_trailer_ignored", "framing", (head(LINE, CHUNKED, CLOSE) + trailer,), ANSWERED
    )


def _smuggled() -> Iterator[Hostile]:
    both = {
        "cl_te": head(LINE, ("Content-Length", "6"), CHUNKED) + b"0\r\n\r\nG",
        "te_cl": head(LINE, CHUNKED, ("Content-Length", "4")) + b"5c\r\n" + SECOND,
        "cl_te_hidden": head(LINE, LENGTH, b"X: y\r\n Transfer-Encoding: chunked") + GOOD,
        "te_te": head(LINE, CHUNKED, ("Transfer-encoding", "x")) + WHOLE,
        "te_space": head(LINE, LENGTH, b"Transfer-Encoding : chunked") + GOOD,
        "te_vertical": head(LINE, LENGTH, b"Transfer-Encoding:\x0bchunked") + GOOD,
        "te_lf": head(LINE, LENGTH, b"X: y\nTransfer-Encoding: chunked") + GOOD,
        "te_cr": head(LINE, LENGTH, b"X: y\rTransfer-Encoding: chunked") + GOOD,
        "te_nul": head(LINE, LENGTH, b"Transfer-Encoding\0: chunked") + GOOD,
        "te_folded": head(LINE, b"Transfer-Encoding:\r\n chunked", LENGTH) + GOOD,
        "cl_folded": head(LINE, b"Content-Length:\r\n 42") + GOOD,
        "space_before_first": head(LINE + "\r\n X: y", LENGTH) + GOOD,
    }  # fmt: skip
    for name, sent in both.items():
        yield Hostile(f"smuggle_{name}", "smuggling", (sent + SECOND,))


def _pipelines() -> Iterator[Hostile]:
    one = head(LINE, LENGTH) + GOOD
    last = head(LINE, LENGTH, CLOSE) + GOOD
    yield Hostile("pipeline_20", "pipelining", (one * 19 + last,), ANSWERED, answers=20)
    yield Hostile("pipeline_2000", "pipelining", (one * 2000 + last,), ANSWERED)
    garbage = b"\0\1garbage\r\n\r\n"
    yield Hostile("pipeline_garbage", "pipelining", (one + garbage,), ANSWERED, answers=2)
    yield Hostile("after_close", "pipelining", (last + SECOND,), ANSWERED)
    yield Hostile("half_close", "connection", (last,), (*EITHER, CLOSED), ends="closes")
    yield Hostile("reset_after_request", "connection", (one,), (CLOSED, 200), ends="resets")
    yield Hostile("reset_in_head", "connection", (one[:40],), (CLOSED,), ends="resets")
    yield Hostile("half_close_in_head", "connection", (one[:40],), REFUSED, ends="closes")
    yield Hostile("half_close_silent", "connection", (b"",), (CLOSED,), ends="closes")
    yield Hostile("only_line_ends", "connection", (b"\r\n" * 50,), (CLOSED,), ends="closes")
