"""`kerasd keys`, run as an operator runs it."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from service.base.errors import KeysRefused
from service.base.key_text import split_key
from service.cli.main import cli
from tests.web.access.keyed import STRANGER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def run(path: Path, *words: str, given: str = "") -> Result:
    """A command that succeeds."""
    result = CliRunner().invoke(cli, ["keys", *words, "--file", str(path)], input=given)
    assert result.exit_code == 0, result.output
    return result


def refusal(path: Path, *words: str, given: str = "") -> str:
    """The text of the error that a command ends with."""
    result = CliRunner().invoke(cli, ["keys", *words, "--file", str(path)], input=given)
    if isinstance(result.exception, KeysRefused):
        return str(result.exception)
    assert result.exit_code == 2, result.output
    return result.output


def listed(path: Path) -> list[dict[str, object]]:
    keys: list[dict[str, object]] = orjson.loads(run(path, "list", "--json").stdout)["keys"]
    return keys


def test_a_key_is_shown_once_alone_on_standard_output(path: Path) -> None:
    result = run(path, "add", "ci", "--roles", "predict, read")

    key = result.stdout.strip()
    assert split_key(key.encode()) is not None
    assert "'ci'" in result.stderr
    assert key not in path.read_text()
    assert key[-43:] not in run(path, "list").stdout + run(path, "list", "--json").stdout


def test_what_a_key_is_good_for_is_kept(path: Path) -> None:
    run(path, "add", "ci", "--roles", "predict", "--models", "a,b", "--rate", "9/m",
        "--expires", "30d")  # fmt: skip

    [key] = listed(path)

    assert (key["roles"], key["models"], key["rate"]) == (["predict"], ["a", "b"], "9/m")
    assert str(key["expires"]) > str(key["created"])
    assert "sha256" not in key


def test_a_key_in_the_state_directory_is_where_the_service_looks(tmp_path: Path) -> None:
    words = ["keys", "add", "ci", "--roles", "read", "--state-dir", str(tmp_path / "state")]

    assert CliRunner().invoke(cli, words).exit_code == 0

    assert (tmp_path / "state" / "keys.json").is_file()


def test_a_key_is_checked_without_standing_in_a_command_line(path: Path) -> None:
    key = run(path, "add", "ci", "--roles", "predict", "--models", "a").stdout

    assert "'ci' may predict; models: a" in run(path, "check", "--stdin", given=key).stdout
    assert "not good" in refusal(path, "check", "--stdin", given=STRANGER)
    assert "1 good keys, 0" in run(path, "check").stdout


def test_a_revoked_key_is_not_good(path: Path) -> None:
    key = run(path, "add", "ci", "--roles", "predict").stdout

    run(path, "revoke", "ci")

    assert "'ci' has ended" in refusal(path, "check", "--stdin", given=key)
    assert "no good key 'ci'" in refusal(path, "revoke", "ci")
    assert "revoked" in run(path, "list").stdout
    assert "0 good keys, 1" in run(path, "check").stdout


def test_a_rotated_key_is_another_with_the_same_rights(path: Path) -> None:
    old = run(path, "add", "ci", "--roles", "predict", "--rate", "5/s").stdout

    new = run(path, "rotate", "ci", "--grace", "1h").stdout
    last = run(path, "rotate", "ci").stdout

    assert len({old, new, last}) == 3
    assert "has ended" in refusal(path, "check", "--stdin", given=old)
    assert "has ended" in refusal(path, "check", "--stdin", given=new)
    assert run(path, "check", "--stdin", given=last).exit_code == 0
    assert [key["rate"] for key in listed(path)] == ["5/s"] * 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "a b", "--roles", "read"), "name of the key"),
        (("add", "ключ", "--roles", "read"), "name of the key"),
        (("add", "anybody", "--roles", "read"), "taken"),
        (("add", "x", "--roles", "boss"), "'predict'"),
        (("add", "x", "--roles", ""), "lists nothing"),
        (("add", "x"), "--roles"),
        (("add", "x", "--roles", "read", "--rate", "fast"), "rate of the key: expected a rate"),
        (("add", "x", "--roles", "read", "--expires", "tomorrow"), "30d"),
        (("add", "x", "--roles", "read", "--models", "../a"), "name of a model"),
        (("add", "x", "--roles", "read", "--models", ""), "lists nothing"),
        (("add", "x", "--roles", "read", "--models", " , "), "lists nothing"),
        (("add", "x", "--roles", "read", "--rate", ""), "empty"),
        (("add", "x", "--roles", "read", "--rate", " "), "empty"),
        (("rotate", "x"), "no good key"),
        (("list",), "No such file"),
        (("check",), "No such file"),
    ],
    ids=range(16),
)
def test_what_is_wrong_is_said(path: Path, words: tuple[str, ...], says: str) -> None:
    assert says in refusal(path, *words)
    assert not path.exists() or listed(path) == []


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert "can't be written" in refusal(tmp_path / "file" / "k", "add", "x", "--roles", "read")
