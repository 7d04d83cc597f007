"""Whose bearer token it is: a JSON Web Token, signed by the issuer, for this service, in time."""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from service.base.http_errors import IssuerSilent
from service.base.roles import Role
from service.web.access.caller import Caller
from service.web.access.issuer import ALGORITHMS, Issuer

LEEWAY_S = 30
MAX_TOKEN_BYTES = 8192
MAX_REMEMBERED = 1024
MAX_SUBJECT = 120
PLAIN_SUBJECT = re.compile(r"[ -\"$-~]+")  # printable, and without the mark of a digest
TIMES = ("exp", "nbf", "iat")
LATEST = 1 << 53
KINDS = ("jwt", "at+jwt", "application/at+jwt")
REQUIRED = ["exp", "iss", "aud", "sub"]


@dataclass(frozen=True, slots=True)
class Judged:
    """Tokens that were found good by these keys: by their sha256, with when they end."""

    keys: Mapping[str, jwt.PyJWK]
    callers: dict[bytes, tuple[Caller, float]] = field(default_factory=dict)


class Tokens:
    """Remembers which tokens were good, until they end or the issuer's keys change.

    A signature costs a tenth of a millisecond; clients send the same token for minutes.
    """

    def __init__(
        self,
        issuer: Issuer,
        audience: str,
        roles_claim: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._roles_path = roles_claim.split(".")
        self._clock = clock
        self._judged = Judged({})

    def start(self) -> None:
        """Begin to fetch the issuer's keys."""
        self._issuer.start()

    def close(self) -> None:
        """End what was started."""
        self._issuer.close()

    def find(self, token: bytes) -> Caller | None:
        """Whose it is, or none for a token that is not good. Raises IssuerSilent."""
        if token.count(b".") != 2 or len(token) > MAX_TOKEN_BYTES:
            return None
        judged = self._judged
        if judged.keys is not self._issuer.keys:
            judged = self._judged = Judged(self._issuer.keys)
        if not judged.keys:
            raise IssuerSilent
        place = hashlib.sha256(token).digest()
        known = judged.callers.get(place)
        if known is not None and self._clock() < known[1]:
            return known[0]
        claims = self._verify(token, judged.keys)
        if claims is None:
            return None
        caller = Caller(_name(claims["sub"]), roles_at(claims, self._roles_path))
        self._forget_some(judged.callers)
        judged.callers[place] = caller, float(min(int(claims["exp"]), LATEST))
        return caller

    def _verify(self, token: bytes, keys: Mapping[str, jwt.PyJWK]) -> dict[str, Any] | None:
        try:
            key = self._key_for(jwt.get_unverified_header(token), keys)
            if key is None:
                return None
            claims = jwt.decode(
                token, key, ALGORITHMS, audience=self._audience, issuer=self._issuer.url,
                leeway=LEEWAY_S, options={"require": REQUIRED},
            )  # fmt: skip
            times = [claims[name] for name in TIMES if name in claims]
            # The package takes texts of digits, too; the standard has numbers.
            return claims if all(type(at) in (int, float) for at in times) else None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            return None  # whatever is wrong with it, it isn't good

    def _key_for(
        self, header: Mapping[str, Any], keys: Mapping[str, jwt.PyJWK]
    ) -> jwt.PyJWK | None:
        """The key that the token names. Without a name, the only one there is."""
        if "crit" in header or str(header.get("typ", KINDS[0])).lower() not in KINDS:
            return None
        if header.get("alg") not in ALGORITHMS:
            return None
        name = header.get("kid")
        if name is None and len(keys) == 1:
            return next(iter(keys.values()))
        key = keys.get(name) if isinstance(name, str) else None
        if key is None:
            self._issuer.want()
        return key

    def _forget_some(self, callers: dict[bytes, tuple[Caller, float]]) -> None:
        """Make room: for those that have ended, else for the oldest."""
        if len(callers) < MAX_REMEMBERED:
            return
        now = self._clock()
        listed = list(callers.items())
        ended = [place for place, (_, ends) in listed if ends <= now]
        for place in ended or [listed[0][0]]:
            callers.pop(place, None)


def roles_at(claims: Mapping[str, Any], path: list[str]) -> frozenset[Role]:
    """The roles in a claim, such as `realm_access.roles`: a list, or a text with spaces.

    Whatever else stands there is of other services. A claim may have dots in its name.
    """
    found: Any = claims.get(".".join(path))
    if found is None:
        found = claims
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
    names = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(role for role in Role if role.value in names)


def _name(subject: str) -> str:
    """For log and audit; told apart from the names of keys, which have no colon.

    What isn't shown as it is has its digest behind it, so that no two are the same.
    """
    if PLAIN_SUBJECT.fullmatch(subject) and len(subject) <= MAX_SUBJECT:
        return f"oidc:{subject}"
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    shown = subject if PLAIN_SUBJECT.fullmatch(subject) else ascii(subject)
    return f"oidc:{shown[:MAX_SUBJECT]}#{digest}"
