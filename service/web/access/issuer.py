"""The public keys of an OpenID Connect issuer, fetched in a thread of their own.

Requests never wait for the issuer: a token whose key isn't known yet is refused, and the keys are
fetched anew, so that a client's next try meets them.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.base.hurry import Hurry
from service.base.strict_json import parse_object

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "ES256", "EdDSA")
DISCOVERY = "/.well-known/openid-configuration"
FETCH_TIMEOUT_S = 5.0  # between two pieces of an answer
ANSWER_TIMEOUT_S = 15.0
DEADLINE_S = 45.0  # for both documents, their heads included
PIECE_BYTES = 65536
MAX_ANSWER_BYTES = 1024 * 1024
RENEW_S = 600.0
PAUSE_S = 30.0  # between two tries, whatever tokens are sent
TURN_S = 1.0
LEAST_RSA_BITS = 2048
PRIVATE = "d"
WORDS = ("kid", "kty", "alg", "crv")


class IssuerFault(Exception):
    """The issuer's answer can't be used."""


class Issuer:
    """`keys` by id; replaced as a whole. `start` the thread after the fork, or call `step`."""

    def __init__(
        self, url: str, clock: Callable[[], float], deadline_s: float = DEADLINE_S
    ) -> None:
        self.url = url
        self._deadline_s = deadline_s
        self._hurry: Hurry[Mapping[str, jwt.PyJWK]] = Hurry("issuer's answer")
        self.keys: Mapping[str, jwt.PyJWK] = {}
        self._clock = clock
        self._tried_at: float | None = None
        self._fetched_at: float | None = None
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Fetch the keys now and again from time to time."""
        self._thread = threading.Thread(target=self._run, name="issuer", daemon=True)
        self._thread.start()

    def want(self) -> None:
        """A token names a key that isn't known: look soon whether there is a new one."""
        self._wanted.set()

    def step(self) -> None:
        """Fetch the keys if it is time."""
        if not self._is_due(self._clock()):
            return
        self._tried_at = self._clock()
        self._wanted.clear()
        try:
            self.keys = self._hurry.ask(lambda: fetch_keys(self.url), self._deadline_s)
            self._fetched_at = self._tried_at
        except Exception as error:  # the thread must live on, whatever the issuer answers
            logger.warning(
                "keys of the issuer not fetched",
                extra={"issuer": self.url, "reason": f"{type(error).__name__}: {error}"[:500]},
            )

    def close(self) -> None:
        """End the thread; it may be in a request, which ends by itself."""
        self._ended.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(2 * FETCH_TIMEOUT_S + TURN_S)

    def _is_due(self, now: float) -> bool:
        if self._tried_at is None:
            return True
        if now < self._tried_at + PAUSE_S:
            return False
        is_old = self._fetched_at is None or now >= self._fetched_at + RENEW_S
        return is_old or self._wanted.is_set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self.step()
            self._ended.wait(TURN_S)


def fetch_keys(url: str) -> dict[str, jwt.PyJWK]:
    """The issuer's keys by id. Raises OSError, ValueError or IssuerFault."""
    found = _fetch(url.rstrip("/") + DISCOVERY)
    if found.get("issuer") != url:
        raise IssuerFault(f"the document there is of the issuer {str(found.get('issuer'))[:100]!r}")
    place = found.get("jwks_uri")
    if not isinstance(place, str) or place.split(":")[0] not in ("https", url.split(":")[0]):
        raise IssuerFault("the document there names no https jwks_uri")
    listed = _fetch(place).get("keys")
    if not isinstance(listed, list):
        raise IssuerFault("the document at jwks_uri lists no keys")
    keys = [key for record in listed if (key := _usable(record)) is not None]
    if not keys:
        raise IssuerFault(f"none of its keys is for {', '.join(ALGORITHMS)}")
    return {key.key_id or "": key for key in keys}


def _fetch(url: str) -> dict[str, Any]:
    with requests.get(
        url, timeout=FETCH_TIMEOUT_S, stream=True, allow_redirects=False,
        headers={"Accept": "application/json"},
    ) as answer:  # fmt: skip
        if answer.status_code != requests.codes.ok:
            raise IssuerFault(f"{url} answered {answer.status_code}")
        content, give_up_at = b"", time.monotonic() + ANSWER_TIMEOUT_S
        # As much as has come: whole pieces would have to wait for an issuer that drips.
        while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
            content += piece
            if time.monotonic() > give_up_at:
                raise IssuerFault(f"{url} took longer than {ANSWER_TIMEOUT_S:g} seconds")
            if len(content) > MAX_ANSWER_BYTES:
                raise IssuerFault(f"{url} answered with more than {MAX_ANSWER_BYTES} bytes")
    return parse_object(content)


def _usable(record: Any) -> jwt.PyJWK | None:
    """A public key that signs with one of the algorithms allowed, or none."""
    if not isinstance(record, dict) or PRIVATE in record or record.get("use", "sig") != "sig":
        return None
    if not all(isinstance(record.get(name, ""), str) for name in WORDS):
        return None
    try:
        key = jwt.PyJWK(record)
    except Exception:  # odd records meet more than the package's own errors
        return None
    if key.algorithm_name not in ALGORITHMS:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < LEAST_RSA_BITS:
        return None
    return key
