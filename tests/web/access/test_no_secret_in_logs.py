"""No log line holds a key or a token, wherever a client puts it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.log import JsonFormatter, TextFormatter
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.access.issuing import AUDIENCE, Issuer, issuing
from tests.web.access.keyed import STRANGER, give_key
from tests.web.client import WAYS, Client, asking, working

FAKES = {"m": FakeVersion(), "boom": FakeVersion(error=RuntimeError("failed"))}
WHERES = ("Authorization", "X_API_Key", "Cookie", "Proxy_Authorization", "Api_Key")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quiet")


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


@pytest.fixture(scope="module")
def secrets(folder: Path, issuer: Issuer) -> list[str]:
    path = folder / "keys.json"
    good = give_key(path, "good", "admin")
    ended = give_key(path, "ended", "admin", ends_in_s=-1)
    return [good, ended, STRANGER, good[:-1], issuer.sign().decode(), issuer.sign(aud="x").decode()]


@pytest.fixture(scope="module")
def process(folder: Path, issuer: Issuer, secrets: list[str]) -> Iterator[WebProcess]:
    settings = {"access": "keys", "oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}
    with working(folder, FAKES, **settings) as process:
        process.access.start()
        yield process


@pytest.mark.parametrize("way", WAYS, ids=["flask", "front"])
def test_secrets_in_every_place_leave_no_trace(
    process: WebProcess,
    folder: Path,
    secrets: list[str],
    way: type[Client],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with asking(way, process) as client:
        for secret in secrets:
            ask_everywhere(client, secret)
        client.post("/v1/models/boom:predict", b'{"instances": [[1, 2, 3]]}', X_API_Key=secrets[0])
    written = lines(caplog)

    assert "request failed" in written
    for secret in secrets:
        assert secret.rsplit(".", 1)[-1][-30:] not in written


def ask_everywhere(client: Client, secret: str) -> None:
    for form in (secret, f"Bearer {secret}", f"Bearer {secret},", f"Basic {secret}"):
        for header in WHERES:
            client.ask("GET", "/v1/models", **{header: form})
            client.post("/v1/models/m:predict", b"{", **{header: form})
    for path in (f"/v1/models/{secret}:predict", f"/{secret}", f"/v2/models/{secret}/infer"):
        client.post(path, secret.encode())
        client.ask("GET", f"{path}?key={secret}")
    client.post("/v1/models/m:predict", secret.encode(), X_API_Key=secret)


def lines(caplog: pytest.LogCaptureFixture) -> str:
    """What both formats would have written."""
    forms = (JsonFormatter(), TextFormatter())
    return "\n".join(form.format(record) for record in caplog.records for form in forms)


def test_a_broken_file_of_keys_is_told_of_without_its_content(
    folder: Path, process: WebProcess, caplog: pytest.LogCaptureFixture
) -> None:
    from service.web.access.keyring import KeyRing

    path = folder / "broken.json"
    path.write_text(f'{{"format": 1, "keys": [{{"name": "{STRANGER}", "sha256": "{STRANGER}"}}]}}')
    path.chmod(0o600)

    assert KeyRing(path).find(STRANGER.encode()) is None

    assert "keys not read" in lines(caplog)
    assert STRANGER not in lines(caplog)
