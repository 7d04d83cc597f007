"""Who asks and whether that one may: asked once a request, before anything is done for it."""

import time
from collections.abc import Mapping
from typing import Protocol

from service.base.http_errors import Forbidden, RateExceeded, Unauthenticated
from service.base.log import caller as log_caller
from service.base.metrics import ACCESS_REFUSED
from service.base.roles import Role
from service.base.settings import Settings
from service.web.access.caller import ANYBODY, Caller
from service.web.access.keyring import KeyRing
from service.web.access.needs import PREDICT, Need, need_of
from service.web.access.origin import check_host, check_no_page
from service.web.access.rates import RateBook
from service.web.access.requirement import is_open
from service.web.access.secret import given_secret

UNKNOWN = "A good key or token is needed, in the header Authorization: Bearer, or X-API-Key"
STRANGER = Caller("anybody", frozenset())
SCOPE_KEY = "kerasd.caller"
"""Where in an ASGI scope the caller stands once it was checked, so that it isn't counted twice."""

Headers = Mapping[bytes, bytes]


class TokenReader(Protocol):
    """Tells whose token it is."""

    def start(self) -> None:
        """Begin to fetch the issuer's keys."""
        ...

    def find(self, token: bytes) -> Caller | None:
        """The caller, or none if the token is not good. Raises IssuerSilent."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class Access:
    """One worker's; without a ring, access is open."""

    def __init__(
        self,
        ring: KeyRing | None = None,
        rates: RateBook | None = None,
        tokens: TokenReader | None = None,
    ) -> None:
        self._ring = ring
        self._rates = rates
        self._tokens = tokens

    @property
    def is_open(self) -> bool:
        """True where nobody has to prove anything."""
        return self._ring is None

    def start(self) -> None:
        """Begin; after the fork."""
        if self._tokens is not None:
            self._tokens.start()

    def close(self) -> None:
        """End what was started."""
        if self._tokens is not None:
            self._tokens.close()
        if self._rates is not None:
            self._rates.close()

    def check(self, method: str, path: str, headers: Headers) -> Caller:
        """Who may ask this. Raises Unauthenticated, Forbidden, RateExceeded or IssuerSilent.

        `path` has its escapes undone, `headers` have lower-case names.
        """
        try:
            return self._check(need_of(method, path), headers)
        except (Unauthenticated, Forbidden, RateExceeded) as error:
            ACCESS_REFUSED.labels(error.code).inc()
            raise

    def check_predict(self, model: str, headers: Headers) -> Caller:
        """The same for a prediction, whose path was read before."""
        if self._ring is None:
            return ANYBODY
        try:
            return self._check(Need(PREDICT, model), headers)
        except (Unauthenticated, Forbidden, RateExceeded) as error:
            ACCESS_REFUSED.labels(error.code).inc()
            raise

    def _check(self, need: Need, headers: Headers) -> Caller:
        if self._ring is None:
            if need.is_changing:
                check_no_page(headers)
            elif need.is_inside:
                check_host(headers)
            return ANYBODY
        log_caller.set("")
        if not need.roles:
            return STRANGER
        secret = given_secret(headers)
        known = self._ring.find(secret)
        if known is not None:
            log_caller.set(known.caller.name)
            check_allowed(known.caller, need)
            if known.rate is not None and self._rates is not None:
                wait_s = self._rates.take(known.caller.name, known.rate)
                if wait_s:
                    raise RateExceeded(known.caller.name, str(known.rate), wait_s)
            return known.caller
        caller = self._tokens.find(secret) if self._tokens is not None and secret else None
        if caller is None:
            raise Unauthenticated(UNKNOWN)
        log_caller.set(caller.name)
        check_allowed(caller, need)
        return caller


def check_allowed(caller: Caller, need: Need) -> None:
    """Raise Forbidden if the caller has none of the roles, or isn't to see that model."""
    if caller.roles.isdisjoint(need.roles) and Role.ADMIN not in caller.roles:
        roles = " or ".join(sorted(need.roles))
        raise Forbidden(f"'{caller.name}' may not do this; it needs the role {roles}")
    if not need.is_general and not need.is_looked_up:
        check_model(caller, need.model)


def check_model(caller: Caller, model: str) -> None:
    """Raise Forbidden if the caller isn't to see that model, or nothing of all models."""
    if caller.models and model not in caller.models:
        allowed = ", ".join(sorted(caller.models))
        raise Forbidden(f"'{caller.name}' may ask for its models only: {allowed}")


def make_access(settings: Settings) -> Access:
    """What the settings say; nothing is started yet."""
    if is_open(settings):
        return Access()
    tokens: TokenReader | None = None
    if settings.oidc_issuer:
        # Imported late: it needs a package that only this use needs.
        from service.web.access.issuer import Issuer
        from service.web.access.tokens import Tokens

        issuer = Issuer(settings.oidc_issuer, time.monotonic)
        tokens = Tokens(issuer, settings.oidc_audience, settings.oidc_roles)
    ring, rates = KeyRing(settings.keys_path), RateBook(settings.run_dir / "rates")
    return Access(ring, rates, tokens)
