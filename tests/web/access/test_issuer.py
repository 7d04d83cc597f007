"""How the issuer's keys are fetched, and what of an issuer is not believed."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from service.web.access import issuer as issuer_module
from service.web.access.issuer import PAUSE_S, RENEW_S
from service.web.access.issuer import Issuer as Fetched
from service.web.access.tokens import Tokens
from tests.controller.dripping import dripping
from tests.running import wait_until
from tests.web.access.issuing import AUDIENCE, Issuer, issuing, make_private, public_record


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fetched(issuer: Issuer, clock: Clock) -> Fetched:
    return Fetched(issuer.url, clock)


def test_keys_are_fetched_at_once_and_renewed_later(
    issuer: Issuer, fetched: Fetched, clock: Clock
) -> None:
    fetched.step()
    assert list(fetched.keys) == ["first"]

    clock.now += RENEW_S - 1
    fetched.step()
    assert len(issuer.asked) == 2
    clock.now += 1
    fetched.step()
    assert len(issuer.asked) == 4


def test_an_unknown_key_is_looked_for_but_not_for_every_token(
    issuer: Issuer, fetched: Fetched, clock: Clock
) -> None:
    fetched.step()
    tokens = Tokens(fetched, AUDIENCE, "roles")
    issuer.add("second")
    token = issuer.sign("second")

    for _ in range(50):
        assert tokens.find(token) is None
        fetched.step()
    assert len(issuer.asked) == 2
    clock.now += PAUSE_S
    fetched.step()

    assert tokens.find(token) is not None
    assert len(issuer.asked) == 4


@pytest.mark.parametrize("fault", ["error", "away"])
def test_an_issuer_that_fails_keeps_its_keys_and_is_asked_again(
    issuer: Issuer, fetched: Fetched, clock: Clock, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    fetched.step()
    known = fetched.keys
    issuer.status = 500 if fault == "error" else 302

    clock.now += RENEW_S
    fetched.step()
    assert fetched.keys is known
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    issuer.status = 200
    clock.now += PAUSE_S
    fetched.step()

    assert fetched.keys is not known


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"issuer": "https://other.invalid", "jwks_uri": "{url}/keys"},
     {"issuer": "{url}"}, {"issuer": "{url}", "jwks_uri": "file:///etc/passwd"},
     {"issuer": "{url}", "jwks_uri": ["{url}/keys"]}, {"issuer": "{url}", "jwks_uri": "keys"}],
    ids=["null", "list", "empty", "other", "no_keys", "file", "many", "relative"],
)  # fmt: skip
def test_a_discovery_that_is_not_believed(issuer: Issuer, fetched: Fetched, document: Any) -> None:
    if isinstance(document, dict):
        document = {
            key: value.replace("{url}", issuer.url) if isinstance(value, str) else value
            for key, value in document.items()
        }
    issuer.discovery = document

    fetched.step()

    assert fetched.keys == {}


def test_only_public_keys_that_sign_with_what_is_allowed_are_taken(
    issuer: Issuer, fetched: Fetched
) -> None:
    weak = public_record(make_private("RS256", 1024), "RS256", "weak")
    good = issuer.keys[0]
    issuer.keys = [
        good,
        weak,
        good | {"kid": "encrypts", "use": "enc"},
        good | {"kid": "longer", "alg": "RS512"},
        good | {"kid": "private", "d": "AQAB"},
        public_record(make_private("ES384"), "ES384", "curve-384"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        {"kty": "RSA", "kid": "broken"},
        {"kid": "nothing"},
        "text",
        None,
    ]

    fetched.step()

    assert list(fetched.keys) == ["first"]


@pytest.mark.parametrize(
    "change",
    [{"kid": ["a"]}, {"kid": 5}, {"kid": {}}, {"alg": ["RS256"]}, {"alg": {"a": 1}}, {"alg": 5},
     {"kty": ["RSA"]}, {"use": ["sig"]}, {"n": 5}, {"n": [1]}, {"e": {}}, {"n": "é"},
     {"kty": "EC", "crv": ["P-256"]}],
    ids=range(13),
)  # fmt: skip
def test_an_odd_record_does_not_cost_the_good_ones(
    issuer: Issuer, fetched: Fetched, change: dict[str, Any]
) -> None:
    good = issuer.keys[0]
    issuer.keys = [good | {"kid": "odd"} | change, good]

    fetched.step()

    assert list(fetched.keys) == ["first"]


def test_whatever_an_issuer_answers_the_thread_goes_on(
    issuer: Issuer, fetched: Fetched, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.discovery |= {"jwks_uri": "http://[::1/keys"}
    fetched.step()
    issuer.discovery |= {"jwks_uri": f"{issuer.url}/keys"}
    clock.now += PAUSE_S

    fetched.step()

    assert [record.getMessage() for record in caplog.records] == ["keys of the issuer not fetched"]
    assert list(fetched.keys) == ["first"]


def test_an_issuer_that_drips_is_given_up(
    issuer: Issuer, fetched: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time; all together never would."""
    monkeypatch.setattr(issuer_module, "ANSWER_TIMEOUT_S", 0.2)
    issuer.drips = True
    began = time.monotonic()

    fetched.step()

    assert fetched.keys == {}
    assert time.monotonic() - began < 5


def test_an_issuer_whose_head_never_ends_is_given_up(clock: Clock) -> None:
    with dripping(b"H") as server:
        fetched = Fetched(server.url, clock, deadline_s=0.3)
        began = time.monotonic()

        fetched.step()
        clock.now += PAUSE_S
        fetched.step()

        assert time.monotonic() - began < 5
        assert len(server.heard) == 1


def test_an_issuer_without_a_usable_key_is_told_of(
    issuer: Issuer, fetched: Fetched, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.keys = []

    fetched.step()

    assert "RS256, ES256, EdDSA" in caplog.records[0].__dict__["reason"]


def test_a_huge_document_is_not_read(issuer: Issuer, fetched: Fetched) -> None:
    issuer.discovery |= {"padding": "x" * 2_000_000}

    fetched.step()

    assert fetched.keys == {}


def test_nobody_listening_is_no_fault_of_ours(clock: Clock) -> None:
    fetched = Fetched("http://127.0.0.1:1", clock)

    fetched.step()

    assert fetched.keys == {}


def test_the_thread_fetches_and_ends(issuer: Issuer, fetched: Fetched) -> None:
    fetched.start()
    wait_until(lambda: "first" in fetched.keys, "the keys", 10)

    fetched.close()

    assert all(thread.name != "issuer" for thread in threading.enumerate())
