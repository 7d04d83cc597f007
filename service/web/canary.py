"""Which requests the canary gets: a fixed share of them, and the same ones each time.

A request's key is hashed to a place between 0 and 1, and the canary gets the places below its
share: the same in every worker and after every start, and who is in stays in when the share grows.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping

from service.runtime.directions import Split

REQUEST_ID_HEADER = b"x-request-id"
PLACE = 2.0**-53  # the distance between two places: so many fit between 0 and 1
KEY_BYTES = 8

Draw = Callable[[int], bytes]


def is_chosen(split: Split, model: str, key: bytes) -> bool:
    """True if the canary gets the requests with this key."""
    return place_of(model, split.version, key) < split.share


def place_of(model: str, version: int, key: bytes) -> float:
    """Where a key stands, from 0 up to but not 1; elsewhere for each version of each model.

    Were it the same for all, the same clients would be the first to try whatever is new.
    """
    digest = hashlib.blake2b(f"{model}\0{version}\0".encode() + key, digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) * PLACE


def key_of(split: Split, headers: Mapping[bytes, bytes], draw: Draw = secrets.token_bytes) -> bytes:
    """What the request is known by: the chosen header, its id, or else something that is drawn."""
    given = headers.get(split.header) if split.header else None
    return given or headers.get(REQUEST_ID_HEADER) or draw(KEY_BYTES)
