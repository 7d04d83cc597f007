"""Callers with tokens, by both ways in, against a real issuer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.running import wait_until
from tests.web.access.issuing import AUDIENCE, Issuer, issuing
from tests.web.access.keyed import bearer, give_key
from tests.web.client import WAYS, Client, asking, working

PREDICT = "/v1/models/m:predict"
BODY = {"instances": [[1, 2, 3]]}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens")


def oidc(issuer: Issuer) -> dict[str, str]:
    return {
        "access": "keys", "oidc_issuer": issuer.url, "oidc_audience": AUDIENCE,
        "oidc_roles": "realm_access.roles",
    }  # fmt: skip


@pytest.fixture(scope="module")
def process(folder: Path, issuer: Issuer) -> Iterator[WebProcess]:
    with working(folder, {"m": FakeVersion()}, **oidc(issuer)) as process:
        process.access.start()
        wait_until(lambda: "/keys" in issuer.asked, "the issuer is asked", 10)
        with asking(WAYS[0], process) as client:
            token = sign(issuer, "predict")
            wait_until(
                lambda: client.post(PREDICT, BODY, **bearer(token)).status == 200, "its keys", 10
            )
        yield process


def sign(issuer: Issuer, *roles: str) -> str:
    return issuer.sign(realm_access={"roles": list(roles)}).decode()


def test_a_token_with_the_role_is_let_in(client: Client, issuer: Issuer) -> None:
    token = sign(issuer, "predict", "offline_access")

    assert client.post(PREDICT, BODY, **bearer(token)).status == 200
    assert client.post(PREDICT, BODY, X_API_Key=token).status == 200


@pytest.mark.parametrize("roles", [(), ("read",), ("Predict",)])
def test_a_token_without_the_role_is_forbidden(
    client: Client, issuer: Issuer, roles: tuple[str, ...]
) -> None:
    answer = client.post(PREDICT, BODY, **bearer(sign(issuer, *roles)))

    assert answer.status == 403
    assert "oidc:ann" in answer.json["error"]


def test_a_token_that_is_not_good_is_as_no_token(client: Client, issuer: Issuer) -> None:
    bare = client.post(PREDICT, BODY)
    other = issuer.sign(aud="other", realm_access={"roles": ["admin"]}).decode()
    wrong = client.post(PREDICT, BODY, **bearer(other))

    assert (bare.status, wrong.status) == (401, 401)
    assert bare.body == wrong.body


def test_keys_are_good_beside_tokens(client: Client, folder: Path) -> None:
    wait_until_known = give_key(folder / "keys.json", f"ci-{id(client)}", "predict")

    wait_until(
        lambda: client.post(PREDICT, BODY, **bearer(wait_until_known)).status == 200, "a look", 10
    )


@pytest.mark.parametrize("way", WAYS, ids=["flask", "front"])
def test_before_the_issuers_keys_are_here_a_client_is_told_to_come_again(
    tmp_path: Path, issuer: Issuer, way: type[Client]
) -> None:
    with working(tmp_path, {}, **oidc(issuer)) as process, asking(way, process) as client:
        answer = client.post(PREDICT, BODY, **bearer(sign(issuer, "predict")))

        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"
        assert client.post(PREDICT, BODY).status == 401
