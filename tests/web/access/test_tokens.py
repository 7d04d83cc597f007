"""Which tokens are good, against a real issuer with real keys."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from service.base.http_errors import IssuerSilent
from service.base.roles import Role
from service.web.access.issuer import Issuer as Fetched
from service.web.access.tokens import MAX_REMEMBERED, Tokens, roles_at
from tests.web.access.issuing import AUDIENCE, Issuer, Soon, issuing, make_private

MINUTE = 60


class Clock:
    """Both clocks of the service; they go when they are told to."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        made.add("curve", "ES256")
        made.add("edwards", "EdDSA")
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fetched(issuer: Issuer, clock: Clock) -> Fetched:
    made = Fetched(issuer.url, clock)
    made.step()
    return made


@pytest.fixture
def tokens(fetched: Fetched, clock: Clock) -> Tokens:
    return Tokens(fetched, AUDIENCE, "roles", clock)


def part(record: Any) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(record).encode()).rstrip(b"=")


class TestGood:
    @pytest.mark.parametrize("name", ["first", "curve", "edwards"])
    def test_a_signed_token_is_its_subject(self, issuer: Issuer, tokens: Tokens, name: str) -> None:
        caller = tokens.find(issuer.sign(name, roles=["predict", "read", "boss"]))

        assert caller is not None
        assert caller.name == "oidc:ann"
        assert caller.roles == {Role.PREDICT, Role.READ}

    @pytest.mark.parametrize(
        "change",
        [{"aud": ["other", AUDIENCE]}, {"exp": Soon(-20)}, {"iat": None},
         {"nbf": Soon(20)}, {"exp": 2**70}],
        ids=["audiences", "just_ended", "no_iat", "just_beginning", "far_end"],
    )  # fmt: skip
    def test_what_is_allowed(self, issuer: Issuer, tokens: Tokens, change: dict[str, Any]) -> None:
        assert tokens.find(issuer.sign(**change)) is not None

    def test_a_token_that_names_no_key_is_of_the_only_one(self, clock: Clock) -> None:
        with issuing() as issuer:
            fetched = Fetched(issuer.url, clock)
            fetched.step()
            tokens = Tokens(fetched, AUDIENCE, "roles", clock)

            assert tokens.find(issuer.sign(headers={"kid": None})) is not None

    @pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt"])
    def test_the_kinds_that_are_for_services(
        self, issuer: Issuer, tokens: Tokens, typ: str
    ) -> None:
        assert tokens.find(issuer.sign(headers={"typ": typ})) is not None

    def test_a_subject_that_could_forge_a_line_is_shown_escaped(
        self, issuer: Issuer, tokens: Tokens
    ) -> None:
        caller = tokens.find(issuer.sign(sub="a\nERROR ü"))

        assert caller is not None
        assert caller.name == r"oidc:'a\nERROR \xfc'#9a6898331f1056a1"

    def test_subjects_that_are_not_shown_whole_are_told_apart(
        self, issuer: Issuer, tokens: Tokens
    ) -> None:
        long = "x" * 120
        subjects = ["ü", "'\\xfc'", long, f"{long}a", f"{long}b", "a#b", "a", "\ud800"]

        names = {caller.name for s in subjects if (caller := tokens.find(issuer.sign(sub=s)))}

        assert len(names) == len(subjects)
        assert {"oidc:a", f"oidc:{long}"} <= names
        assert max(map(len, names)) < 150


class TestRefused:
    @pytest.mark.parametrize(
        "change",
        [{"aud": "other"}, {"aud": None}, {"iss": "https://evil.invalid"}, {"iss": None},
         {"exp": Soon(-MINUTE)}, {"exp": None}, {"exp": "soon"}, {"exp": "99999999999"},
         {"nbf": "0"}, {"iat": "0"},
         {"nbf": Soon(MINUTE)}, {"sub": None}, {"sub": 5},
         {"iat": Soon(MINUTE)}],
        ids=["aud", "no_aud", "iss", "no_iss", "exp", "no_exp", "text_exp", "digits_exp",
             "digits_nbf", "digits_iat", "nbf", "no_sub", "number_sub", "iat"],
    )  # fmt: skip
    def test_wrong_claims(self, issuer: Issuer, tokens: Tokens, change: dict[str, Any]) -> None:
        assert tokens.find(issuer.sign(**change)) is None

    def test_a_changed_token(self, issuer: Issuer, tokens: Tokens) -> None:
        head, claims, signature = issuer.sign().split(b".")
        changed = json.loads(base64.urlsafe_b64decode(claims + b"==")) | {"roles": ["admin"]}

        assert tokens.find(b".".join((head, part(changed), signature))) is None
        assert tokens.find(b".".join((head, claims, signature[:-8] + b"AAAAAAAA"))) is None
        assert tokens.find(b".".join((head, claims, b""))) is None

    def test_a_token_of_another_key_by_that_name(self, issuer: Issuer, tokens: Tokens) -> None:
        kept = issuer.privates["first"]
        issuer.privates["first"] = make_private("RS256"), "RS256"
        forged = issuer.sign()
        issuer.privates["first"] = kept

        assert tokens.find(forged) is None

    @pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS512", "PS256", "ES256", "", None])
    def test_another_algorithm(self, issuer: Issuer, tokens: Tokens, alg: str | None) -> None:
        _, claims, signature = issuer.sign().split(b".")
        head = part({"alg": alg, "kid": "first", "typ": "JWT"})

        assert tokens.find(b".".join((head, claims, signature))) is None
        assert tokens.find(b".".join((head, claims, b""))) is None

    def test_the_public_key_is_no_shared_secret(
        self, issuer: Issuer, fetched: Fetched, tokens: Tokens
    ) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        _, claims, _ = issuer.sign().split(b".")
        public = fetched.keys["first"].key.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        signed = part({"alg": "HS256", "kid": "first"}) + b"." + claims
        digest = hmac.digest(public, signed, hashlib.sha256)

        assert tokens.find(signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")) is None

    @pytest.mark.parametrize(
        "headers",
        [{"crit": ["x"]}, {"typ": "secevent+jwt"}, {"kid": "nobody"}, {"kid": None}],
        ids=["crit", "typ", "kid", "no_kid"],
    )
    def test_wrong_heads(self, issuer: Issuer, tokens: Tokens, headers: dict[str, Any]) -> None:
        assert tokens.find(issuer.sign(headers=headers)) is None

    def test_a_key_that_the_token_brings_along(self, issuer: Issuer, tokens: Tokens) -> None:
        with issuing() as evil:
            evil.url = issuer.url
            headers = {"kid": "mine", "jwk": evil.keys[0], "jku": f"{evil.url}/keys"}

            assert tokens.find(evil.sign(headers=headers)) is None
            assert evil.asked == []

    @pytest.mark.parametrize(
        "text",
        [b"", b"..", b"a.b.c", b"a" * 9000 + b".b.c", b"\xff.\xff.\xff", b"e30.e30.e30",
         b"W10.W10.", b"." * 3, part({"alg": "RS256", "kid": ["first"]}) + b".e30.e30",
         part({"alg": "RS256", "kid": "first"}) + b"." + b"W" * 4000 + b".e30"],
        ids=["empty", "dots", "letters", "long", "bytes", "objects", "lists", "four", "kid_list",
             "claims"],
    )  # fmt: skip
    def test_what_is_no_token(self, tokens: Tokens, text: bytes) -> None:
        assert tokens.find(text) is None


class TestRemembered:
    def test_a_token_is_judged_anew_after_it_has_ended(
        self, issuer: Issuer, fetched: Fetched, tokens: Tokens, clock: Clock
    ) -> None:
        token = issuer.sign()
        assert tokens.find(token) is not None
        keys = fetched.keys
        assert isinstance(keys, dict)
        keys.clear()
        keys["another"] = object()

        assert tokens.find(token) is not None
        clock.now += 20 * MINUTE
        assert tokens.find(token) is None

    def test_a_key_that_is_published_no_more_signs_no_more(self, clock: Clock) -> None:
        with issuing() as issuer:
            issuer.add("second")
            fetched = Fetched(issuer.url, clock)
            fetched.step()
            tokens = Tokens(fetched, AUDIENCE, "roles", clock)
            token = issuer.sign("second")
            assert tokens.find(token) is not None

            issuer.drop("second")
            clock.now += 10 * MINUTE
            fetched.step()

            assert tokens.find(token) is None

    def test_it_remembers_so_many_and_the_latest(self, issuer: Issuer, tokens: Tokens) -> None:
        for number in range(MAX_REMEMBERED + 10):
            tokens.find(issuer.sign("edwards", sub=str(number)))

        assert len(tokens._judged.callers) == MAX_REMEMBERED


def test_before_the_keys_are_here_nothing_is_judged(issuer: Issuer, clock: Clock) -> None:
    tokens = Tokens(Fetched(issuer.url, clock), AUDIENCE, "roles", clock)

    with pytest.raises(IssuerSilent):
        tokens.find(issuer.sign())
    assert tokens.find(b"no token") is None


@pytest.mark.parametrize(
    ("claim", "claims", "roles"),
    [
        ("roles", {"roles": ["predict", "x", 5, None]}, {Role.PREDICT}),
        ("scope", {"scope": "openid read  metrics"}, {Role.READ, Role.METRICS}),
        ("realm_access.roles", {"realm_access": {"roles": ["admin"]}}, {Role.ADMIN}),
        ("https://a.b/roles", {"https://a.b/roles": ["train"]}, {Role.TRAIN}),
        ("roles", {}, set()),
        ("roles", {"roles": {"admin": True}}, set()),
        ("roles", {"roles": "administrator"}, set()),
        ("a.b.c", {"a": {"b": "admin"}}, set()),
        ("a.b", {"a": ["b"]}, set()),
    ],
    ids=range(9),
)
def test_where_roles_stand(claim: str, claims: dict[str, Any], roles: set[Role]) -> None:
    assert roles_at(claims, claim.split(".")) == roles
