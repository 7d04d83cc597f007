"""Addresses: what may be one, and what is told of those that may not."""

import logging

import pytest

from service.base.errors import SettingsInvalid
from service.base.settings import Settings
from service.repository.addresses import check_addresses
from service.repository.remote.address import PACKAGES, check_packages, read_address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/models/", "s3://bucket/models"),
        ("s3://bucket", "s3://bucket"),
        ("gs://bucket/a/b", "gs://bucket/a/b"),
        ("abfs://container@account.dfs.core.windows.net/models",) * 2,
    ],
)
def test_an_address_is_a_scheme_and_a_place(text: str, shown: str) -> None:
    assert str(read_address(text, "repository")) == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file:///srv/models", "no remote repository"),
        ("local://srv/models", "no remote repository"),
        ("https://host/models", "no remote repository"),
        ("simplecache::s3://bucket/models", "wrapped"),
        ("zip://models.zip", "wrapped"),
        ("s3://", "such as s3://bucket/models"),
        ("s3:///models", "such as s3://bucket/models"),
        ("s3://bucket/../other", r"without blanks"),
        ("s3://bucket//models", r"without blanks"),
        ("s3://bucket/models?versionId=1", r"without blanks"),
        ("s3://bucket/mo dels", r"without blanks"),
        ("s3://bucket/mo\x00dels", r"without blanks"),
    ],
    ids=str,
)
def test_anything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(SettingsInvalid, match=why):
        read_address(text, "repository")


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsInvalid, match="credentials come from the environment") as refused:
        read_address("s3://key:verysecret@bucket/models", "repository_url")
    assert "verysecret" not in str(refused.value)


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "gs", ("gcsfs_that_nobody_has", "kerasd[gcs]"))
    address = read_address("gs://bucket/models", "repository_url")
    with pytest.raises(SettingsInvalid, match=r"pip install 'kerasd\[gcs\]'"):
        check_packages(address, "repository_url")


def test_a_scheme_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="can't be opened"):
        check_packages(read_address("florp://bucket/models", "repository_url"), "repository_url")


class TestSettings:
    def test_a_repository_at_an_address_is_mirrored_in_the_state_directory(self) -> None:
        settings = Settings(repository="s3://bucket/models/", state_dir="/state")
        assert settings.repository_key == settings.repository_url == "s3://bucket/models"
        assert settings.repository == settings.mirror_dir / "models"
        assert str(settings.mirror_dir) == "/state/mirror"

    def test_whoever_sets_the_address_alone_gets_the_same(self) -> None:
        """The mirror removes what the address doesn't have: it must never be a folder of models."""
        told = {"repository_url": "s3://bucket/models", "state_dir": "/state"}
        for more in ({}, {"repository": "/srv/my_models"}):
            assert Settings(**told, **more).repository == Settings(**told).mirror_dir / "models"  # type: ignore[arg-type]

    def test_a_local_repository_has_nothing_to_check(self) -> None:
        check_addresses(Settings(repository="models"))

    def test_the_address_of_compiled_versions_is_checked_too(self) -> None:
        with pytest.raises(SettingsInvalid, match="setting compiled_url"):
            check_addresses(Settings(compiled_url="file:///srv/compiled"))


def test_talkative_clients_tell_nothing_even_if_all_is_logged() -> None:
    from service.repository.remote.system import open_store

    open_store(read_address("memory://bucket/models", "repository"))
    assert logging.getLogger("botocore.auth").getEffectiveLevel() >= logging.WARNING
