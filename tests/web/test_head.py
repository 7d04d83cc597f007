"""What the head of a request may be: sizes, framing, hosts, targets; over sockets and alone."""

from collections.abc import Iterator

import pytest

from service.base.http_errors import HeadMalformed, HeadTooLarge, MethodNotAllowed
from service.web.head import ONCE, check_sizes, names_version, read_framing, read_target
from tests.web.edge_server import Server, error, post, serving, status

BODY = b"5\r\nhello\r\n0\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def with_field(field: bytes, body: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\n" + field + b"\r\n\r\n" + body


MALFORMED = {
    "length negative": with_field(b"Content-Length: -5", b"hello"),
    "length with sign": with_field(b"Content-Length: +5", b"hello"),
    "length underscored": with_field(b"Content-Length: 1_0", b"hello"),
    "length hexadecimal": with_field(b"Content-Length: 0x5", b"hello"),
    "length in other digits": with_field("Content-Length: \u0665".encode(), b"hello"),
    "length empty": with_field(b"Content-Length:", b"hello"),
    "length listed": with_field(b"Content-Length: 5, 5", b"hello"),
    "length twice": with_field(b"Content-Length: 5\r\nContent-Length: 5", b"hello"),
    "length of 5000 digits": with_field(b"Content-Length: " + b"9" * 5000),
    "length and coding": with_field(b"Content-Length: 5\r\nTransfer-Encoding: chunked", BODY),
    "coding and length": with_field(b"Transfer-Encoding: chunked\r\nContent-Length: 5", BODY),
    "coding stacked": with_field(b"Transfer-Encoding: gzip, chunked", BODY),
    "coding twice": with_field(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", BODY),
    "coding unknown": with_field(b"Transfer-Encoding: xchunked", BODY),
    "coding with a tab in it": with_field(b"Transfer-Encoding: \x0bchunked", BODY),
    "coding in 1.0": b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY,
    "chunk size is no number": with_field(b"Transfer-Encoding: chunked", b"zz\r\nhello\r\n"),
    "chunk size overflows": with_field(b"Transfer-Encoding: chunked", b"F" * 17 + b"\r\nhello"),
    "chunk size with a space": with_field(b"Transfer-Encoding: chunked", b"5 \r\nhello\r\n"),
    "chunk longer than its size": with_field(b"Transfer-Encoding: chunked", b"3\r\nhello\r\n"),
    "chunk ends with LF": with_field(b"Transfer-Encoding: chunked", b"5\nhello\n0\n\n"),
    "length in a trailer": with_field(
        b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"
    ),
    "no host": b"GET / HTTP/1.1\r\nX-A: b\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "the same host twice": GET + b"Host: x\r\n\r\n",
    "two encodings": GET + b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\n\r\n",
    "the same encoding twice": GET + b"Content-Encoding: gzip\r\ncontent-encoding: gzip\r\n\r\n",
    "two timeouts": GET + b"X-Request-Timeout-Ms: 9\r\nX-Request-Timeout-Ms: 99999\r\n\r\n",
    "two lengths of the JSON": GET
    + b"Inference-Header-Content-Length: 9\r\nInference-Header-Content-Length: 0\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n",
    "host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "folded header": GET + b"X-A: b\r\n c\r\n\r\n",
    "space before the colon": GET + b"X-A : b\r\n\r\n",
    "header without a name": GET + b": b\r\n\r\n",
    "header without a colon": GET + b"garbage\r\n\r\n",
    "NUL in a header": GET + b"X-A: a\0b\r\n\r\n",
    "escape in a header": GET + b"X-A: a\x1b[31m\r\n\r\n",
    "CR in a header": GET + b"X-A: a\rb\r\n\r\n",
    "LF at the ends of lines": (GET + b"\r\n").replace(b"\r\n", b"\n"),
    "unknown expectation": GET + b"Expect: 200-maybe\r\n\r\n",
    "unknown method": b"FROB / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method in lower case": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method with NUL": b"GE\0T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "version 2 in words of 1": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "preface of version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /\r\n",
    "no version, and headers": b"GET /\r\nHost: x\r\n\r\n",
    "fragment": b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
    "control character in the target": b"GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes beyond ASCII in the target": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "address of another protocol": b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a handshake of TLS": bytes.fromhex("16030100c8010000c40303") + bytes(range(190)),
    "a greeting of SSH": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
}
TOO_LARGE = {
    "one long header": GET + b"X-A: " + b"a" * 9_000 + b"\r\n\r\n",
    "a header of megabytes": GET + b"X-A: " + b"a" * 3_000_000,
    "a header without an end": GET + b"X-A: " + b"a" * 40_000,
    "a name of megabytes": GET + b"a" * 3_000_000,
    "long headers together": GET + (b"X-A: " + b"a" * 5_000 + b"\r\n") * 9 + b"\r\n",
    "many headers": GET + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + b"\r\n",
    "many headers without an end": GET + b"X: a\r\n" * 500_000,
    "a long target": b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target of megabytes": b"GET /" + b"a" * 3_000_000,
}


class TestOverSockets:
    @pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
    def test_what_can_be_read_in_two_ways_is_a_400(
        self, server: Server, request_bytes: bytes
    ) -> None:
        asked = len(server.app.asked)
        answer = server.ask(request_bytes)
        assert (status(answer), answer.count(b"HTTP/1.1 400")) == (400, 1)
        assert error(answer)
        assert b"connection: close\r\n" in answer
        assert len(server.app.asked) == asked

    @pytest.mark.parametrize("request_bytes", TOO_LARGE.values(), ids=TOO_LARGE)
    def test_what_is_too_large_is_a_431_that_is_seen(
        self, server: Server, request_bytes: bytes
    ) -> None:
        answer = server.ask(request_bytes)
        assert status(answer) == 431
        assert "than" in error(answer)

    def test_a_tunnel_is_a_405(self, server: Server) -> None:
        assert status(server.ask(b"CONNECT x:22 HTTP/1.1\r\nHost: x:22\r\n\r\n")) == 405

    @pytest.mark.parametrize(
        ("line", "path"),
        [(b"GET http://other:80/a?b HTTP/1.1", "/a"), (b"GET http://other HTTP/1.1", "/"),
         (b"OPTIONS * HTTP/1.1", "*"), (b"GET //a//b HTTP/1.1", "//a//b"),
         (b"GET /%2e%2e/%00 HTTP/1.1", "/../\0"), (b"QUERY /a HTTP/1.1", "/a")],
    )  # fmt: skip
    def test_every_form_of_a_target_is_read(self, server: Server, line: bytes, path: str) -> None:
        with server.open(line + b"\r\nHost: x\r\n\r\n") as client:
            assert client.read_answer()[1]["path"] == path

    def test_a_head_as_large_as_may_be_is_read(self, server: Server) -> None:
        fields = [b"X-%d: " % n + b"a" * 3_000 for n in range(10)]
        with server.open(post("/" + "a" * 2_000, b"", *fields)) as client:
            code, said = client.read_answer()
        assert (code, len(said["headers"])) == (200, 12)


class TestAlone:
    @pytest.mark.parametrize(
        "host", [b"", b"x", b"x:8080", b"a.example", b"127.0.0.1:1", b"[::1]", b"[::1]:80", b"a_b"]
    )
    def test_hosts(self, host: bytes) -> None:
        assert read_framing("1.1", [(b"host", host)]).length == 0

    @pytest.mark.parametrize("host", [b"a b", b"a/b", b"a,b", b"[::1", b"a:b:c", b"\xc3\xa9"])
    def test_no_hosts(self, host: bytes) -> None:
        if host == b"a,b":  # a name may have commas
            assert read_framing("1.1", [(b"host", host)])
            return
        with pytest.raises(HeadMalformed):
            read_framing("1.1", [(b"host", host)])

    def test_framing(self) -> None:
        fields = [(b"host", b"x"), (b"content-length", b"12"), (b"expect", b"100-Continue")]
        assert read_framing("1.1", fields) == (12, True)
        assert read_framing("1.0", fields) == (12, False)

    @pytest.mark.parametrize("name", sorted(ONCE))
    def test_headers_that_may_stand_once(self, name: bytes) -> None:
        fields = [(b"host", b"x"), (b"x-more", b"a"), (b"x-more", b"b")]
        more = (name, b"x")
        assert read_framing("1.1", [field for field in fields if field[0] != name] + [more])
        with pytest.raises(HeadMalformed, match=f"more than one {name.decode().title()}"):
            read_framing("1.1", [*fields, more, more])

    def test_sizes(self) -> None:
        check_sizes(b"/", [(b"a", b"b" * 8_000)] * 4)
        with pytest.raises(HeadTooLarge):
            check_sizes(b"/", [(b"a", b"b" * 8_000)] * 5)

    def test_versions_of_half_a_head(self) -> None:
        assert names_version(b"GET /")
        assert names_version(b"\r\nGET / HTTP/1.1\r\nHo")
        assert not names_version(b"GET / \r\nHo")
        assert not names_version(b"GET / HTTP/1.1 x\r\n")

    def test_targets(self) -> None:
        assert read_target("GET", b"/a%41?b=%41") == ("/aA", b"/a%41", b"b=%41")
        with pytest.raises(HeadMalformed):
            read_target("GET", b"*")
        with pytest.raises(MethodNotAllowed):
            read_target("CONNECT", b"a:1")
