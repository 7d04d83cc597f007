"""A POST is over in time whatever the other one does, and goes to no place that has secrets."""

import ssl
import time
from pathlib import Path

import pytest

from service.controller.webhook_post import PostFailed, may_be_told, post
from tests.certificates import make_certificate
from tests.controller.dripping import dripping
from tests.controller.tls_receiver import tls_receiver

HEADERS = {"Content-Type": "application/json"}
SOON_S = 0.4
LATE_S = 5.0


def fail_in_time(url: str, why: str) -> None:
    began = time.monotonic()
    with pytest.raises((PostFailed, OSError)) as failed:
        post(url, b"{}", HEADERS, SOON_S)
    assert time.monotonic() - began < LATE_S
    assert why in str(failed.value)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK" * 1000, b"H", b""], ids=["drips", "repeats", "silent"]
)
def test_a_head_that_drips_for_ever_is_not_waited_for(head: bytes) -> None:
    with dripping(head) as server:
        fail_in_time(server.url, "")


def test_interim_answers_without_end_are_not_waited_for() -> None:
    with dripping(b"HTTP/1.1 100 Continue\r\n\r\n", pieces=25) as server:
        fail_in_time(server.url, "")


def test_a_head_without_end_is_not_kept() -> None:
    with dripping(b"x" * 8192, pieces=8192) as server:
        fail_in_time(server.url, "the head of the answer is too long")


def test_what_is_no_http_is_refused_at_its_first_line() -> None:
    with dripping(b"220 mail.example ESMTP\r\n", pieces=24) as server:
        fail_in_time(server.url, "not HTTP")


def test_tls_that_never_begins_is_not_waited_for() -> None:
    with dripping(b"") as server:
        fail_in_time(server.url.replace("http:", "https:"), "")


def test_the_first_line_is_answer_enough() -> None:
    with dripping(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\nX: ", 60) as server:
        assert post(server.url, b"{}", HEADERS, LATE_S) == 204


def test_what_is_sent_is_one_request() -> None:
    with dripping(b"HTTP/1.1 200 OK\r\n", 17) as server:
        url = server.url.replace("//", "//ann:s%20t@") + "/a b\u00fc?token=a%20b&c=d"
        assert post(url, b'{"a": 1}', HEADERS, LATE_S) == 200
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /hook/a%20b%C3%BC?token=a%20b&c=d HTTP/1.1",
        b"Host: 127.0.0.1:%d" % server.port,
        b"Content-Length: 8",
        b"Connection: close",
        b"Authorization: Basic YW5uOnMgdA==",
        b"Content-Type: application/json",
    ]
    assert body == b'{"a": 1}'


@pytest.mark.parametrize("scheme", ["http://", "//", ""])
def test_a_proxy_of_the_environment_is_used(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping(b"HTTP/1.1 200 OK\r\n", 17) as proxy:
        monkeypatch.setenv("http_proxy", f"{scheme}127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        assert post("http://hooks.example/a", b"{}", HEADERS, LATE_S) == 200
    assert proxy.heard[0].startswith(b"POST http://hooks.example/a HTTP/1.1\r\n")


def test_a_tunnel_that_a_proxy_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping(b"HTTP/1.1 403 No\r\n\r\n", 19) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(PostFailed, match="the proxy answered 403"):
            post("https://hooks.example/a", b"{}", HEADERS, LATE_S)
    assert proxy.heard[0].startswith(b"CONNECT hooks.example:443 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("127.0.0.1", True),
        ("10.0.0.8", True),
        ("fd00::8", True),
        ("169.254.169.254", False),
        ("::ffff:169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
    ],
)
def test_link_local_addresses_are_not_asked(address: str, may: bool) -> None:
    assert may_be_told(address) is may


def test_a_host_with_no_other_address_is_not_connected_to() -> None:
    fail_in_time("http://169.254.169.254/latest/meta-data", "link-local")


def test_whoever_speaks_tls_has_to_prove_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_certificate(tmp_path)

    with tls_receiver(certificate, key) as url:
        with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
            post(url, b"{}", HEADERS, LATE_S)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert post(url, b"{}", HEADERS, LATE_S) == 204
        with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
            post(url.replace("127.0.0.1", "localhost"), b"{}", HEADERS, LATE_S)
