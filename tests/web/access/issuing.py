"""A real issuer on the loopback address: discovery, public keys, and tokens signed with them."""

import json
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

AUDIENCE = "kerasd"


@dataclass(frozen=True)
class Soon:
    """A claim of so many seconds after the token is made, or before."""

    seconds: int


Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def make_private(algorithm: str, bits: int = 2048) -> Private:
    """A new key for an algorithm."""
    if algorithm.startswith("ES"):
        curves: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}
        return ec.generate_private_key(curves[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, bits)


def public_record(private: Private, algorithm: str, name: str | None) -> dict[str, Any]:
    """The public half as a JSON Web Key."""
    record: dict[str, Any] = json.loads(
        get_default_algorithms()[algorithm].to_jwk(private.public_key())
    )
    return record | ({} if name is None else {"kid": name})


class Issuer:
    """Its address, the documents it serves, and the requests it has had."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.privates: dict[str, tuple[Private, str]] = {}
        self.asked: list[str] = []
        self.keys: list[Any] = []
        self.discovery: Any = {"issuer": url, "jwks_uri": f"{url}/keys"}
        self.status = 200
        self.drips = False

    def add(self, name: str, algorithm: str = "RS256", bits: int = 2048) -> None:
        """Publish one more key."""
        private = make_private(algorithm, bits)
        self.privates[name] = private, algorithm
        self.keys.append(public_record(private, algorithm, name))

    def drop(self, name: str) -> None:
        """Publish it no more."""
        self.keys = [record for record in self.keys if record["kid"] != name]

    def sign(self, name: str = "first", headers: Any = None, **change: Any) -> bytes:
        """A good token, unless the change makes it another; none takes a claim away."""
        private, algorithm = self.privates[name]
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600,
            "roles": ["predict"],
        } | change  # fmt: skip
        claims = {
            key: now + value.seconds if isinstance(value, Soon) else value
            for key, value in claims.items()
            if value is not None
        }
        named = {"kid": name} | (headers or {})
        named = {key: value for key, value in named.items() if value is not None}
        token = jwt.encode(claims, private, algorithm, headers=named)
        return token.encode()


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer with one key named `first`, ended in the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            documents = {
                "/.well-known/openid-configuration": issuer.discovery,
                "/keys": {"keys": issuer.keys},
            }
            body = json.dumps(documents.get(self.path)).encode()
            if issuer.drips:
                self._drip()
                return
            self.send_response(issuer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _drip(self) -> None:
            """Send spaces until the client has left."""
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    left, _, _ = select.select([self.connection], [], [], 0.02)
                    if left:
                        return

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
    issuer.add("first")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
