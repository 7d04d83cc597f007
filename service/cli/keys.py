"""`kerasd keys`: who may ask the service. It changes a file, which running workers notice."""

import hmac
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from service.base.errors import KeysRefused
from service.base.key_changes import Grant, add_key, revoke_key, rotate_key
from service.base.key_file import KeyRecord, change_keys, read_keys
from service.base.key_text import digest, make_key, split_key
from service.base.settings import read_settings
from service.cli.options import add_options

DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
NAME = click.argument("name")
FILE = click.option("--file", "path", type=click.Path(path_type=Path),
                    help="File of keys; default: from the settings.")  # fmt: skip
STATE = click.option("--state-dir", type=click.Path(path_type=Path),
                     help="State directory of the service; keys.json is in it.")  # fmt: skip


def _duration(_context: Any, _option: Any, value: str | None) -> timedelta | None:
    """A time such as 90m, 12h or 30d."""
    if value is None:
        return None
    match = DURATION.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"expected a time such as 90m, 12h or 30d, got {value!r}")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _listed(_context: Any, _option: Any, value: str | None) -> tuple[str, ...]:
    """Words with commas between them; an option that is given lists at least one."""
    if value is None:
        return ()
    words = tuple(word.strip() for word in value.split(",") if word.strip())
    if not words:  # such as a variable that isn't set: no reason to give out more
        raise click.BadParameter("it is given and lists nothing; leave it out")
    return words


def _given(_context: Any, _option: Any, value: str | None) -> str:
    """A text that isn't empty where it is given."""
    if value is not None and not value.strip():
        raise click.BadParameter("it is given and empty; leave it out")
    return value or ""


_with_file = add_options(STATE, FILE)


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys that the service asks for."""


@keys.command()
@NAME
@click.option("--roles", callback=_listed, required=True,
              help="Some of predict, feedback, train, admin, metrics, read.")  # fmt: skip
@click.option("--models", callback=_listed, help="Only for these models.")
@click.option("--rate", callback=_given, help="How often it may ask: 100/s, 600/m or 5000/h.")
@click.option("--expires", callback=_duration, help="After how long it ends: 90m, 12h or 30d.")
@_with_file
def add(
    name: str, expires: timedelta | None, path: Path | None, state_dir: Path | None, **given: Any
) -> None:
    """Make a key NAME and print it; it is shown this once and kept nowhere."""
    now, new = _now(), make_key()
    grant = Grant(name, expires=now + expires if expires else None, **given)
    change_keys(_path(path, state_dir), lambda known: add_key(known, grant, new, now))
    _show(name, new.text)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@_with_file
def list_keys(as_json: bool, path: Path | None, state_dir: Path | None) -> None:
    """List the keys, without their secrets."""
    known = read_keys(_path(path, state_dir))
    if as_json:
        import orjson

        shown = [key.model_dump(mode="json", exclude={"sha256"}) for key in known]
        click.echo(orjson.dumps({"keys": shown}, option=orjson.OPT_INDENT_2))
        return
    from service.cli.terminal import print_table

    rows = [
        (
            key.name, key.id, ", ".join(key.roles), ", ".join(key.models) or "all",
            key.rate or "any", _day(key.expires), _state(key, _now()),
        )
        for key in known
    ]  # fmt: skip
    print_table(("name", "id", "roles", "models", "rate", "expires", "state"), rows)


@keys.command()
@NAME
@_with_file
def revoke(name: str, path: Path | None, state_dir: Path | None) -> None:
    """Have no key NAME be good any more; running workers follow within a second."""
    now = _now()
    change_keys(_path(path, state_dir), lambda known: revoke_key(known, name, now))
    click.echo(f"'{name}' is revoked")


@keys.command()
@NAME
@click.option("--grace", callback=_duration,
              help="How long the old key stays good beside the new one.")  # fmt: skip
@_with_file
def rotate(name: str, grace: timedelta | None, path: Path | None, state_dir: Path | None) -> None:
    """Print a new key for NAME with the same rights; the old one ends."""
    now, new = _now(), make_key()
    overlap = grace or timedelta()
    change_keys(_path(path, state_dir), lambda known: rotate_key(known, name, new, now, overlap))
    _show(name, new.text)


@keys.command()
@click.option("--stdin", "is_given", is_flag=True, help="Read a key and tell whose it is.")
@_with_file
def check(is_given: bool, path: Path | None, state_dir: Path | None) -> None:
    """Check that the file of keys can be used, or with --stdin that a key is good.

    A key is read from standard input, for other users see what stands in a command line.
    """
    place, now = _path(path, state_dir), _now()
    known = read_keys(place)
    if not is_given:
        good = sum(key.is_good(now) for key in known)
        click.echo(f"{place}: {good} good keys, {len(known) - good} ended or revoked")
        return
    key = _owner(known, sys.stdin.readline().strip().encode())
    if key is None or not key.is_good(now):
        raise KeysRefused("This key is not good" if key is None else f"'{key.name}' has ended")
    click.echo(f"'{key.name}' may {', '.join(key.roles)}; models: {', '.join(key.models) or 'all'}")


def _owner(known: tuple[KeyRecord, ...], text: bytes) -> KeyRecord | None:
    parts = split_key(text)
    if parts is None:
        return None
    found = digest(parts[1]).hex()
    same = (k for k in known if k.id == parts[0] and hmac.compare_digest(k.sha256, found))
    return next(same, None)


def _path(path: Path | None, state_dir: Path | None) -> Path:
    return path or read_settings(state_dir=state_dir).keys_path


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _show(name: str, text: str) -> None:
    """The key alone on standard output, so that a script can take it from there."""
    click.echo(f"The key of '{name}', which is shown only now:", err=True)
    click.echo(text)


def _day(at: datetime | None) -> str:
    return "never" if at is None else at.strftime("%Y-%m-%d %H:%M")


def _state(key: KeyRecord, now: datetime) -> str:
    if key.revoked is not None:
        return "revoked"
    return "good" if key.is_good(now) else "ended"
