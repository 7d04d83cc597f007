"""A number of a model, held in a remote repository by an object that only one can create.

    <model>/<version>/claim.json     {"token": …, "at": …, "config": …}; the token stays

"config" is the digest of the model.yaml that its holder is about to write.

Where a store can't create an object only if it is new, two may believe that they have; so the claim
is read again before the manifest is written, and whose it isn't gives way.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from service.base.http_errors import RemoteAway
from service.repository.layout import CLAIM
from service.repository.remote.bucket import Bucket, Object

MAX_BYTES = 4096
STALE_S = 24 * 3600.0


@dataclass(slots=True)
class Claim:
    """What one publisher holds: a number, once it has one."""

    model: str
    config: bytes | None = None  # the model.yaml of a model that isn't there yet
    has_configured: bool = False
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    number: int | None = None
    tried: int | None = None  # the answer may have been lost

    @property
    def place(self) -> str:
        """The version's folder."""
        return f"{self.model}/{self.number}"


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims in one repository."""

    bucket: Bucket
    wall_clock: Callable[[], float] = time.time

    def take(self, claim: Claim, number: int) -> bool:
        """Claim a number; false if somebody else has it.

        One that was claimed before, without hearing of it, is taken instead.
        """
        if claim.tried is not None and self._is_ours(claim, claim.tried):
            claim.number = claim.tried
            return True
        claim.tried = number
        key = f"{claim.model}/{number}/{CLAIM}"
        is_new = self.bucket.create(key, self._written(claim.token, digest_of(claim.config)))
        if not is_new and not self._is_ours(claim, number):
            return False
        claim.number = number
        return True

    def is_ours(self, claim: Claim) -> bool:
        """Whether the number is still held by this publisher."""
        return claim.number is not None and self._is_ours(claim, claim.number)

    def end(self, claim: Claim) -> None:
        """The version is published: it is never taken for one that was left half-published."""
        key = f"{claim.place}/{CLAIM}"
        with suppress(RemoteAway):
            self.bucket.write(
                key, json.dumps({"token": claim.token, "is_published": True}).encode()
            )

    def mark(self, model: str, version: int) -> None:
        """Hide a version that is about to be removed, once its manifest is gone."""
        self.bucket.write(f"{model}/{version}/{CLAIM}", self._written("removed"))

    def is_stale(self, place: str) -> bool:
        """Whether its holder has surely died at it.

        A claim that says nothing, as people put it, is as old as its object.
        """
        key = f"{place}/{CLAIM}"
        told = self._read(key)
        at = told.get("at") if told else self.bucket.written_at(key)
        return isinstance(at, (int, float)) and at < self.wall_clock() - STALE_S

    def config_of(self, place: str) -> str:
        """The digest of the model.yaml that its holder may have left; empty if none."""
        return str(self._read(f"{place}/{CLAIM}").get("config", ""))

    def clear(self, place: str, objects: Mapping[str, Object]) -> None:
        """Remove what a claim has left, itself last."""
        self.bucket.remove(f"{place}/{name}" for name in objects if name != CLAIM)
        self.bucket.remove([f"{place}/{CLAIM}"])

    def _is_ours(self, claim: Claim, number: int) -> bool:
        return self._read(f"{claim.model}/{number}/{CLAIM}").get("token") == claim.token

    def _written(self, token: str, config: str = "") -> bytes:
        told = {"token": token, "at": self.wall_clock()}
        return json.dumps({**told, "config": config} if config else told).encode()

    def _read(self, key: str) -> dict[str, Any]:
        if self.bucket.look(key) is None:
            return {}
        try:
            read = json.loads(self.bucket.read(key, MAX_BYTES))
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


def digest_of(config: bytes | None) -> str:
    """Of a model.yaml; empty for none."""
    return hashlib.sha256(config).hexdigest() if config is not None else ""
