"""The text of a key, `kerasd_<id>_<secret>`: how it is made, taken apart and digested.

The fixed beginning lets scanners of source code and logs find keys that were left there.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass

PREFIX = b"kerasd_"
SECRET_BYTES = 32
KEY = re.compile(rb"kerasd_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `text` is shown once and kept nowhere."""

    id: str
    text: str
    sha256: str


def make_key() -> NewKey:
    """A key whose secret has 256 bits of the system's randomness."""
    identifier = secrets.token_hex(6)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    text = f"{PREFIX.decode()}{identifier}_{secret}"
    return NewKey(identifier, text, digest(secret.encode()).hex())


def split_key(text: bytes) -> tuple[str, bytes] | None:
    """Id and secret, or none if the text is no key."""
    match = KEY.fullmatch(text)
    return (match[1].decode(), match[2]) if match else None


def digest(secret: bytes) -> bytes:
    """What is kept of a secret.

    A slow hash protects what people choose, by making each guess dear. Nobody guesses 256 random
    bits, however cheap a guess is.
    """
    return hashlib.sha256(secret).digest()
