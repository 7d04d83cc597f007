"""Requests whose line, method, version, Host or headers are not what HTTP allows."""

from collections.abc import Iterator

from tests.attacks.requests import (
    ANSWERED,
    CLOSED,
    EITHER,
    GOOD,
    PREDICT,
    REFUSED,
    UNSUPPORTED,
    Hostile,
    head,
)

LENGTH = ("Content-Length", str(len(GOOD)))
CLOSE = ("Connection", "close")
LINE = f"POST {PREDICT} HTTP/1.1"


def head_requests() -> Iterator[Hostile]:
    """All of them."""
    yield from _lines()
    yield from _methods()
    yield from _hosts()
    yield from _headers()
    yield from _sizes()


def _lines() -> Iterator[Hostile]:
    lines = {
        "version_9": f"POST {PREDICT} HTTP/9.9", "version_2": f"POST {PREDICT} HTTP/2.0",
        "version_0": f"POST {PREDICT} HTTP/0.9", "version_1_2": f"POST {PREDICT} HTTP/1.2",
        "version_lower": f"POST {PREDICT} http/1.1", "version_none": f"POST {PREDICT}",
        "version_long": f"POST {PREDICT} HTTP/1.1111", "no_target": "POST HTTP/1.1",
        "rtsp": f"POST {PREDICT} RTSP/1.0", "more": f"POST {PREDICT} HTTP/1.1 x",
        "fragment": f"POST {PREDICT}#a HTTP/1.1", "relative": "POST v1/models HTTP/1.1",
        "control": f"POST {PREDICT}\x01 HTTP/1.1", "nul": f"POST {PREDICT}\0 HTTP/1.1",
        "latin": "POST /\xff HTTP/1.1", "tab": f"POST {PREDICT}\t HTTP/1.1",
        "other_scheme": f"POST ftp://localhost{PREDICT} HTTP/1.1", "star": "POST * HTTP/1.1",
        "file": "GET file:///etc/passwd HTTP/1.1", "empty": "",
    }  # fmt: skip
    for name, line in lines.items():
        expect = {"empty": (*REFUSED, CLOSED), "rtsp": EITHER}.get(name, REFUSED)
        sent = head(line, LENGTH, CLOSE) + GOOD
        yield Hostile(f"line_{name}", "request line", (sent,), expect)
    absolute = f"POST http://other.invalid{PREDICT} HTTP/1.1"
    yield Hostile("line_absolute", "request line", (head(absolute, LENGTH, CLOSE) + GOOD,), EITHER)
    query = f"POST {PREDICT}?{'a' * 3000} HTTP/1.1"
    yield Hostile("line_query_3k", "request line", (head(query, LENGTH, CLOSE) + GOOD,), EITHER)
    old = b"GET /\r\n"
    yield Hostile("line_http_0_9", "request line", (old,))
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield Hostile("line_preface_of_2", "request line", (preface,), UNSUPPORTED)
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(190))
    yield Hostile("line_tls", "request line", (hello,), (*REFUSED, CLOSED))
    yield Hostile("line_ssh", "request line", (b"SSH-2.0-OpenSSH_9.6\r\n\r\n",), (*REFUSED, CLOSED))
    yield Hostile("line_lf", "request line", (head(LINE, LENGTH).replace(b"\r", b"") + GOOD,))
    proxy = b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + head(LINE, LENGTH) + GOOD
    yield Hostile("line_proxy_protocol", "request line", (proxy,))


def _methods() -> Iterator[Hostile]:
    for method in ("FROB", "post", "PO\0ST", "POST\t", "", "P" * 5000, "DEBUG", "TRACK"):
        name = method[:8].replace("\0", "_nul_").strip() or "empty"
        sent = head(f"{method} {PREDICT} HTTP/1.1", LENGTH, CLOSE) + GOOD
        yield Hostile(f"method_{name}", "method", (sent,))
    for method in (
        "PUT",
        "PATCH",
        "DELETE",
        "TRACE",
        "PROPFIND",
        "LOCK",
        "MKCOL",
        "PURGE",
        "QUERY",
    ):
        sent = head(f"{method} {PREDICT} HTTP/1.1", LENGTH, CLOSE) + GOOD
        yield Hostile(f"method_{method}", "method", (sent,), UNSUPPORTED)
    for method in ("GET", "HEAD", "OPTIONS"):
        sent = head(f"{method} {PREDICT} HTTP/1.1", ("Origin", "http://evil.invalid"), CLOSE)
        yield Hostile(f"method_{method}", "method", (sent,), EITHER)
    tunnel = head("CONNECT localhost:22 HTTP/1.1")
    yield Hostile("method_CONNECT", "method", (tunnel,))
    override = head(LINE, LENGTH, CLOSE, ("X-HTTP-Method-Override", "DELETE")) + GOOD
    yield Hostile("method_override", "method", (override,), ANSWERED)
    for wish in ("websocket", "h2c", "TLS/1.0", "x" * 1000):
        upgrade = (("Upgrade", wish), ("Connection", "Upgrade, close"))
        sent = head(LINE, LENGTH, *upgrade) + GOOD
        yield Hostile(f"upgrade_{wish[:9].replace('/', '')}", "upgrade", (sent,), ANSWERED)


def _hosts() -> Iterator[Hostile]:
    for name, host in (
        ("path", "a/../b:99999"), ("user", "a@b"), ("space", "a b"), ("open", "[::1"),
        ("latin", "\xe4"), ("quote", '"a"'), ("ports", "a:1:2"), ("markup", "<a>"),
    ):  # fmt: skip
        sent = head(LINE, LENGTH, CLOSE, ("Host", host), host=None) + GOOD
        yield Hostile(f"host_{name}", "Host", (sent,))
    yield Hostile("host_none", "Host", (head(LINE, LENGTH, CLOSE, host=None) + GOOD,))
    for name, other in (("twice", "localhost"), ("twice_other", "evil.invalid")):
        yield Hostile(f"host_{name}", "Host", (head(LINE, LENGTH, CLOSE, ("Host", other)) + GOOD,))
    rebind = head("GET /livez HTTP/1.1", CLOSE, host="evil.invalid")
    yield Hostile("host_rebind", "Host", (rebind,), EITHER)


def _headers() -> Iterator[Hostile]:
    headers = {
        "nul": b"X-A: a\0b", "control": b"X-A: a\x01b", "escape": b"X-A: \x1b[31mred",
        "delete": b"X-A: \x7f", "no_name": b": a", "no_colon": b"garbage",
        "folded": b"X-A: a\r\n b",
        "space": b"X-A : a", "name_control": b"X\x01A: a", "name_latin": b"X-\xe4: a",
        "cr": b"X-A: a\rb",
        "name_space": b"X A: a", "name_brackets": b"X(A): a", "lf": b"X-A: a\nX-B: b",
        "expect_unknown": b"Expect: 200-maybe", "expect_empty": b"Expect: ",
    }  # fmt: skip
    for name, header in headers.items():
        yield Hostile(f"header_{name}", "headers", (head(LINE, LENGTH, CLOSE, header) + GOOD,))
    tolerated = {
        "latin": b"X-A: \xe4\xff", "empty": b"X-A:", "underscores": b"X_Forwarded_For: 127.0.0.1",
        "forwarded": b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=x",
        "script_name": b"SCRIPT_NAME: /x\r\nPATH_INFO: /y\r\nScript-Name: /z",
        "override_url": b"X-Original-URL: /admin\r\nX-Rewrite-URL: /admin",
        "request_id_long": b"X-Request-Id: " + b"a" * 5000,
        "request_id_latin": b"X-Request-Id: \xff",
        "request_id_markup": b"X-Request-Id: <script>{{7*7}}%s%n",
        "authorization": b"Authorization: Bearer \xc3\xa9",
        "cookie": b"Cookie: a=" + b"b" * 4000,
        "timeout_text": b"X-Request-Timeout-Ms: soon",
        "timeout_negative": b"X-Request-Timeout-Ms: -1",
        "timeout_huge": b"X-Request-Timeout-Ms: " + b"9" * 400,
        "range": b"Range: bytes=0-9999999999",
        "timeout_nan": b"X-Request-Timeout-Ms: nan",
        "accept": b"Accept-Encoding: gzip;q=nan, *;q=-1",
    }  # fmt: skip
    for name, header in tolerated.items():
        sent = head(LINE, LENGTH, CLOSE, header) + GOOD
        yield Hostile(f"header_{name}", "headers", (sent,), EITHER)


def _sizes() -> Iterator[Hostile]:
    start = head(LINE, LENGTH)[:-2]
    for name, middle, times in (
        ("one_10k", b"X-A: " + b"a" * 10_000 + b"\r\n", 1), ("many", b"X-A: a\r\n", 500),
        ("flood", b"X-A: a\r\n", 200_000), ("together", b"X-A: " + b"a" * 5000 + b"\r\n", 12),
    ):  # fmt: skip
        pieces = (start, middle, b"\r\n" + GOOD)
        yield Hostile(f"size_{name}", "head flood", pieces, (431,), repeat=times)
    for name, begin in (("value", start + b"X-A: "), ("name", start), ("target", b"POST /")):
        yield Hostile(
            f"size_{name}_10m", "head flood", (begin, b"a" * 1000, b""), (431,), repeat=10_000
        )
    line = head(f"POST /{'a' * 100_000} HTTP/1.1", LENGTH) + GOOD
    yield Hostile("size_line_100k", "head flood", (line,), (414, 431))
