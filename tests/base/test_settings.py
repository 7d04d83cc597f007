"""Where settings come from, which wins, and how wrong ones are named."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.base.errors import SettingsInvalid
from service.base.settings import Settings, bare_environment, read_settings


@pytest.fixture(autouse=True)
def _bare_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory and no KERASD_* variable."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("KERASD_"):
            monkeypatch.delenv(name)


def test_without_anything_given_the_defaults_hold() -> None:
    settings = read_settings()

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.repository == Path("model_repo")


def test_the_file_wins_over_the_default() -> None:
    Path("kerasd.toml").write_text("port = 1001\n")

    assert read_settings().port == 1001


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kerasd.toml").write_text("port = 1001\nworkers = 3\n")
    monkeypatch.setenv("KERASD_PORT", "1002")

    settings = read_settings()

    assert (settings.port, settings.workers) == (1002, 3)


def test_the_command_line_wins_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kerasd.toml").write_text("port = 1001\n")
    monkeypatch.setenv("KERASD_PORT", "1002")

    assert read_settings(port=1003).port == 1003


def test_what_the_command_line_leaves_out_counts_as_not_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KERASD_PORT", "1002")

    assert read_settings(port=None).port == 1002


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("KERASD_PORT", "65536", "port"),
        ("KERASD_WORKERS", "0", "workers"),
        ("KERASD_WORKERS", "two", "workers"),
        ("KERASD_POLL_S", "0", "poll_s"),
        ("KERASD_LOG_LEVEL", "LOUD", "log_level"),
        ("KERASD_MULTIPROCESS_METRICS", "maybe", "multiprocess_metrics"),
        ("KERASD_COMPILE_MEMORY_MB", "10", "compile_memory_mb"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, key: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsInvalid, match=f"setting {key} = '{value}'"):
        read_settings()


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERASD_WORKERS", "0")

    with pytest.raises(SettingsInvalid) as caught:
        read_settings(port=-1)

    assert "workers = '0'" in str(caught.value)
    assert "port = -1" in str(caught.value)


def test_a_misspelled_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERASD_PROT", "80")

    with pytest.raises(SettingsInvalid, match="KERASD_PROT"):
        read_settings()


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "80")

    assert read_settings().port == 8080


def test_a_misspelled_key_in_the_file_is_refused() -> None:
    Path("kerasd.toml").write_text('prot = "80"\n')

    with pytest.raises(SettingsInvalid, match=r"setting prot = .80.: there is no such setting"):
        read_settings()


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(content: bytes) -> None:
    Path("kerasd.toml").write_bytes(content)

    with pytest.raises(SettingsInvalid, match=r"kerasd\.toml"):
        read_settings()


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError):
        read_settings().port = 1  # type: ignore[misc]


def test_a_child_process_gets_the_very_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = read_settings(
        port=0,
        workers=3,
        poll_s=0.25,
        multiprocess_metrics=False,
        log_format="text",
        repository=Path("some models"),
        database_url="postgresql+psycopg://u:p%40ss@db/kerasd",
    )

    absolute = {
        "repository": ours.repository.absolute(),
        "state_dir": ours.state_dir.absolute(),
        "keys_file": ours.keys_path.absolute(),
    }

    for name, value in ours.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")  # a child may start anywhere
    theirs = read_settings()

    assert theirs.model_dump() == {**ours.model_dump(), **absolute}
    assert theirs.repository_key == str(absolute["repository"])
    assert theirs.database == ours.database


def test_everything_written_lies_in_the_state_directory(tmp_path: Path) -> None:
    settings = read_settings(state_dir=tmp_path / "state")

    folders = (settings.compiled_path, settings.metrics_dir, settings.run_dir)
    assert all(folder.is_relative_to(settings.state_dir) for folder in folders)
    assert settings.database == f"sqlite:///{tmp_path}/state/kerasd.sqlite"


def test_a_process_that_reads_strangers_files_gets_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("KERASD_DATABASE_URL", "postgresql://u:secret@db")
    monkeypatch.setenv("HDF5_PLUGIN_PATH", "/nowhere/plugins")

    environment = bare_environment(tmp_path)

    assert "secret" not in str(environment)
    assert "HDF5_PLUGIN_PATH" not in environment
    assert environment["TMPDIR"] == str(tmp_path)
    assert environment["OPENBLAS_NUM_THREADS"] == "1"  # whatever the machine has
    assert environment["PATH"] == os.environ["PATH"]


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_the_key_of_the_command_line_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERASD_API_KEY", "s3cret")

    settings = read_settings()

    assert settings.api_key.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings.model_dump(mode="json"))
    environment = settings.environment()
    assert "KERASD_API_KEY" not in environment
    assert "s3cret" not in environment.values()


@pytest.mark.parametrize("url", ["file:///etc/passwd#hush", "hush.example.org", "http://[hush"])
def test_a_webhook_is_a_url_and_a_wrong_one_is_not_shown(url: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"setting webhook = ….*begins with http") as caught:
        read_settings(webhook=url)
    assert "hush" not in str(caught.value)
    assert read_settings(webhook="https://example.org/?key=a").webhook


def test_a_wrong_key_is_not_shown_either() -> None:
    Path("kerasd.toml").write_text("api_key = 12345\n")

    with pytest.raises(SettingsInvalid, match="setting api_key = …") as refused:
        read_settings()

    assert "12345" not in str(refused.value)
