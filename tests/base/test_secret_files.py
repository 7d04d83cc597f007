"""Secrets as files: what wins, and that neither errors nor environments of children show them."""

import os
from pathlib import Path

import pytest

from service.base.errors import SettingsInvalid
from service.base.secret_files import LONGEST_SECRET, SECRET_SETTINGS
from service.base.settings import Settings, read_settings
from service.controller.job_program import JobProgram
from tests.controller.job_world import JobWorld
from tests.jobs.orders import begun

URL = "postgresql://kerasd:hush@db/kerasd"


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of secrets; beside it an empty working directory and no other settings."""
    for name in os.environ:
        if name.startswith("KERASD_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERASD_SECRETS_DIR", str(folder))
    return folder


def test_a_secret_is_read_without_its_line_end(secrets: Path) -> None:
    (secrets / "kerasd_database_url").write_text(f"{URL}\n")
    (secrets / "kerasd_api_key").write_bytes(b" spaces stay \r\n")

    settings = read_settings()

    assert settings.database == URL
    assert settings.api_key.get_secret_value() == " spaces stay "


def test_each_secret_is_a_setting_that_can_be_given_so(secrets: Path) -> None:
    for name in SECRET_SETTINGS:
        (secrets / f"kerasd_{name}").write_text("https://hush\n")

    settings = read_settings()

    assert (settings.database_url, settings.webhook) == ("https://hush", "https://hush")
    assert settings.ray_token.get_secret_value() == "https://hush"
    assert "hush" not in repr(settings.api_key) + repr(settings.ray_token)


def test_secrets_win_over_the_file_and_the_environment_over_secrets(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("kerasd.toml").write_text('database_url = "of the file"\n')
    assert read_settings().database_url == "of the file"

    (secrets / "kerasd_database_url").write_text("of a secret")
    assert read_settings().database_url == "of a secret"

    monkeypatch.setenv("KERASD_DATABASE_URL", "of the environment")
    assert read_settings().database_url == "of the environment"
    assert read_settings(database_url="given").database_url == "given"


def test_the_folder_may_be_named_by_the_file_or_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "kerasd_webhook").write_text("https://example.org/?hush")
    assert read_settings(secrets_dir=other).webhook

    monkeypatch.delenv("KERASD_SECRETS_DIR")
    Path("kerasd.toml").write_text('secrets_dir = "elsewhere"\n')
    assert read_settings().webhook


def test_without_a_folder_there_are_no_secrets(tmp_path: Path) -> None:
    assert read_settings(secrets_dir=tmp_path / "nowhere").database_url == ""
    (tmp_path / "file").touch()
    assert read_settings(secrets_dir=tmp_path / "file").database_url == ""


@pytest.mark.parametrize("name", ["kerasd_databaseurl", "kerasd_port", "kerasd_"])
def test_a_secret_of_ours_that_is_none_is_refused_and_not_shown(secrets: Path, name: str) -> None:
    (secrets / "postgres_password").write_text("of others")
    assert read_settings()

    (secrets / name).write_text("hush")

    with pytest.raises(SettingsInvalid, match=f"unknown secret in .*: {name}; ex.*_url") as refused:
        read_settings()
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "told"), [(b"hush\xff", "UTF-8"), (b"h" * (LONGEST_SECRET + 1), "at most 65536")]
)
def test_a_secret_that_is_no_text_is_refused_and_not_shown(
    secrets: Path, content: bytes, told: str
) -> None:
    (secrets / "kerasd_ray_token").write_bytes(content)

    with pytest.raises(SettingsInvalid, match=f"kerasd_ray_token: .*{told}") as refused:
        read_settings()
    assert "hush" not in str(refused.value)


def test_a_wrong_value_of_a_secret_is_not_shown(secrets: Path) -> None:
    (secrets / "kerasd_webhook").write_text("hush.example.org")

    with pytest.raises(SettingsInvalid, match=r"setting webhook = ….*begins with http") as refused:
        read_settings()
    assert "hush" not in str(refused.value)


def test_a_folder_in_place_of_a_secret_is_told_of(secrets: Path) -> None:
    (secrets / "kerasd_database_url").mkdir()

    with pytest.raises(SettingsInvalid, match="kerasd_database_url: Is a directory"):
        read_settings()


def test_a_child_reads_the_secret_itself(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "kerasd_database_url").write_text(URL)
    (secrets / "kerasd_ray_token").write_text("hush")
    monkeypatch.chdir(secrets)
    ours = read_settings(secrets_dir=Path("."))

    environment = ours.environment()

    assert "hush" not in str(environment)
    monkeypatch.chdir("/")
    for name in environment:
        monkeypatch.setenv(name, environment[name])
    theirs = read_settings()
    assert theirs.database_url == URL
    assert theirs.ray_token.get_secret_value() == "hush"


def test_what_a_child_could_not_read_so_is_in_its_environment(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERASD_DATABASE_URL", "of the environment")
    (secrets / "kerasd_database_url").write_text(URL)

    assert read_settings().environment()["KERASD_DATABASE_URL"] == "of the environment"
    monkeypatch.setenv("KERASD_DATABASE_URL", "")
    assert read_settings().environment()["KERASD_DATABASE_URL"] == ""
    assert "KERASD_DATABASE_URL" not in read_settings(database_url=URL).environment()


@pytest.mark.parametrize(("executor", "is_told"), [("local", False), ("ray", True)])
def test_a_job_is_told_of_the_database_where_the_file_is_not(
    secrets: Path, tmp_path: Path, executor: str, is_told: bool
) -> None:
    (secrets / "kerasd_database_url").write_text(URL)
    (secrets / "kerasd_api_key").write_text("hush")
    settings: Settings = read_settings(executor=executor, state_dir=tmp_path / "state")

    environment = JobProgram(settings).command(begun(JobWorld(tmp_path).store)).environment

    assert environment.get("KERASD_DATABASE_URL") == (URL if is_told else None)
    assert environment["KERASD_API_KEY"] == ""
