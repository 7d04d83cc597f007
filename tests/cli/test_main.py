"""The command line: help without weight, errors in one line, exit codes."""

import subprocess
import sys
from pathlib import Path

import click
import h5py
import orjson
import pytest

from service.base.settings import Settings
from service.cli.main import cli
from service.data.dataset import LABEL_COLUMNS
from tests.cli.command import kerasd as kerasd_here
from tests.cli.command import kerasd_apart
from tests.running import free_port


def kerasd(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli.main", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = kerasd("--help", folder=tmp_path)
    assert shown.returncode == 0
    for command in cli.list_commands(click.Context(cli)):
        assert f"  {command} " in shown.stdout


@pytest.mark.parametrize("setting", ["host", "port", "state_dir", "log_level", "log_format"])
def test_help_tells_the_default_of_a_setting(setting: str) -> None:
    shown = " ".join(kerasd_here("serve", "--help").stdout.split())
    told = shown.split(f"--{setting.replace('_', '-')} ")[1].split(" --")[0]
    assert f"default: {Settings.model_fields[setting].default}." in told


@pytest.mark.parametrize("command", ["retrain", "evaluate"])
def test_help_tells_what_labels_are_called(command: str) -> None:
    shown = " ".join(kerasd_here(command, "--help").stdout.split())
    told = shown.split("Column of the labels; default: ")[1].split(".")[0]
    assert told.replace(" or ", ", ").split(", ") == [*LABEL_COLUMNS]


@pytest.mark.parametrize("command", ["controller", "tensorflow"])
def test_what_listens_nowhere_has_no_address(command: str) -> None:
    shown = kerasd_here(command, "--help").stdout
    assert "--state-dir" in shown
    assert not any(option in shown for option in ("--host", "--port", "--workers"))


@pytest.mark.parametrize(
    "command",
    [
        ("inspect", "x.h5"),
        ("compile", "x.h5"),
        ("convert", "x.h5", "new.keras"),
        ("migrate",),
        ("backup", "new"),
        ("receipts", "list"),
        ("receipts", "rotate"),
        ("keys", "add", "ann", "--roles", "read"),
        ("keys", "list"),
        ("batch-predict", "m", "x.h5", "out"),
        *(
            pytest.param((half, "models"), marks=pytest.mark.slow)
            for half in ("serve", "web", "controller", "tensorflow")
        ),
    ],
    ids=" ".join,
)
def test_a_state_directory_that_cannot_be_made_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Those that serve change their process, and so run in one of their own."""
    (tmp_path / "x.h5").write_bytes(b"no model")
    (tmp_path / "models").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    run = kerasd_apart if "models" in command else kerasd_here
    ended = run(*command, "--state-dir", "file/state")
    assert ended.returncode == 1
    assert "file/state" in ended.stderr
    assert (ended.stderr[:8], ended.stderr.count("\n")) == ("kerasd: ", 1), ended.stderr


def test_a_folder_that_is_missing_is_named_before_a_model_is_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.h5").write_bytes(b"no model")
    monkeypatch.chdir(tmp_path)
    ended = kerasd_here("convert", "x.h5", "nowhere/new.keras")
    assert ended.returncode == 1
    assert ended.stderr == "kerasd: new.keras: there is no folder nowhere to write it in\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "text"),
    [
        (["serve", "nowhere"], {}, "setting repository = nowhere: there is no such folder or file"),
        (["serve", ".", "--port", "70000"], {}, "setting port = 70000: Input should be less than"),
        (["serve", "."], {"KERASD_WORKERS": "many"}, "setting workers = 'many': Input should be"),
        (["serve", "."], {"KERASD_WORKER": "2"}, "unknown setting in the environment"),
        (["explode"], {}, "No such command 'explode'"),
        (["models", "--url", "localhost:8080"], {}, "expected http://HOST:PORT"),
    ],
)  # fmt: skip
def test_a_wrong_setting_stops_at_start_and_is_named(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], text: str
) -> None:
    ended = kerasd(*arguments, folder=tmp_path, **environment)
    assert ended.returncode == 2
    assert text in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_that_is_no_model_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(b"hello")
    ended = kerasd("inspect", "x.h5", folder=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith("kerasd: x.h5: neither HDF5")
    assert "Traceback" not in ended.stderr


def test_inspect_prints_a_record_for_programs(tmp_path: Path) -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "in"}},
        {"class_name": "Lambda", "config": {"name": "evil", "function": ["4wE=", None, None]}},
    ]
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["model_config"] = orjson.dumps(config).decode()
        file.attrs["keras_version"] = "2.4.0"
        file.create_group("model_weights").attrs["layer_names"] = []
    ended = kerasd("inspect", "x.h5", "--json", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    report = orjson.loads(ended.stdout)
    assert (report["format"], report["keras_version"]) == ("h5", "2.4.0")
    assert [layer["kind"] for layer in report["layers"]] == ["InputLayer", "Lambda"]
    assert "evil" in report["lambdas"][0]
    assert report["next_steps"][0] == "It can't be served as it is."
    for_people = kerasd("inspect", "x.h5", folder=tmp_path)
    assert "It can't be served as it is." in for_people.stdout


def test_without_a_service_the_client_says_how_to_start_one(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = kerasd("models", "--url", url, folder=tmp_path)
    assert ended.returncode == 1
    assert "start it with: kerasd serve" in ended.stderr


def test_a_model_that_is_not_known_here_is_told_with_where_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model_repo").mkdir()
    kerasd_here("migrate")
    ended = kerasd_here("batch-predict", "digits", "rows.csv", "out.csv")
    assert ended.returncode == 1
    for words in (".kerasd", "model_repo", "--state-dir, --repository"):
        assert words in ended.stderr


def test_rows_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,x\n")
    ended = kerasd("predict", "m", "--input", "rows.csv", folder=tmp_path)
    assert ended.returncode == 1
    assert "rows.csv: can't be read as rows: could not convert string to float: 'x'" in ended.stderr
