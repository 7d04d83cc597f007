"""When a key is needed, and what a service that needs one doesn't start without."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from service.base.errors import KeysRefused, SettingsInvalid
from service.base.settings import Settings
from service.web.access.requirement import check_access, for_other_servers, is_loopback, is_open
from tests.web.access.keyed import give_key

OIDC = {"oidc_issuer": "https://id.example.org/realms/a", "oidc_audience": "kerasd"}


def settings(folder: Path, **given: Any) -> Settings:
    return Settings(state_dir=folder, **{"host": "0.0.0.0", **given})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.8.9.10", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("", False), ("a.b", False),
        ("localhost.example.org", False), ("::ffff:10.0.0.1", False),
    ],
)  # fmt: skip
def test_which_addresses_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("access", "host", "expected"),
    [("auto", "127.0.0.1", True), ("auto", "0.0.0.0", False), ("keys", "127.0.0.1", False),
     ("open", "0.0.0.0", True)],
)  # fmt: skip
def test_where_access_is_open(tmp_path: Path, access: str, host: str, expected: bool) -> None:
    assert is_open(settings(tmp_path, access=access, host=host)) is expected


def test_where_another_server_listens_nothing_is_open_unless_it_is_said(tmp_path: Path) -> None:
    known = settings(tmp_path, host="127.0.0.1")

    assert not is_open(for_other_servers(known))
    assert is_open(for_other_servers(settings(tmp_path, access="open")))


def test_a_service_that_nobody_could_ask_says_the_two_ways_out(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="kerasd keys add") as refused:
        check_access(settings(tmp_path))

    assert "--insecure" in str(refused.value)
    assert "0.0.0.0" in str(refused.value)


def test_what_can_be_asked_starts(tmp_path: Path) -> None:
    check_access(settings(tmp_path, host="127.0.0.1"))
    check_access(settings(tmp_path, access="open"))
    check_access(settings(tmp_path, **OIDC))
    give_key(tmp_path / "keys.json", "ci", "predict")
    check_access(settings(tmp_path))


def test_a_broken_file_of_keys_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")

    with pytest.raises(KeysRefused, match=r"keys\.json"):
        check_access(settings(tmp_path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"oidc_audience": ""}, "oidc_audience"),
        ({"oidc_issuer": "http://id.example.org"}, "https"),
        ({"oidc_issuer": "id.example.org"}, "https"),
        ({"oidc_issuer": "https://"}, "https"),
        ({"oidc_issuer": "https://id.example.org/?a=b"}, "https"),
        ({"oidc_issuer": "file:///etc/passwd"}, "https"),
    ],
    ids=["audience", "http", "bare", "no_host", "query", "file"],
)
def test_an_issuer_that_could_not_be_trusted(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsInvalid, match=words):
        check_access(settings(tmp_path, **{**OIDC, **change}))


def test_an_issuer_on_this_machine_may_speak_http(tmp_path: Path) -> None:
    check_access(settings(tmp_path, **{**OIDC, "oidc_issuer": "http://127.0.0.1:9000/realm"}))


def test_without_its_package_the_start_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(SettingsInvalid, match=r"pip install 'kerasd\[oidc\]'"):
        check_access(settings(tmp_path, **OIDC))
