"""Keys in a real file, for tests of those who ask with them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.base.key_changes import Grant, add_key, revoke_key
from service.base.key_file import change_keys
from service.base.key_text import make_key

STRANGER = make_key().text
"""A key that stands in no file."""


def give_key(
    path: Path, name: str, roles: str, models: str = "", rate: str = "", ends_in_s: float = 0
) -> str:
    """Add a key to the file and return its text; `ends_in_s` may lie behind."""
    now, new = datetime.now(UTC), make_key()
    expires = now + timedelta(seconds=ends_in_s) if ends_in_s else None
    grant = Grant(name, tuple(roles.split()), tuple(models.split()), rate, expires)
    change_keys(path, lambda known: add_key(known, grant, new, now))
    return new.text


def take_key(path: Path, name: str) -> None:
    """Revoke it."""
    change_keys(path, lambda known: revoke_key(known, name, datetime.now(UTC)))


def bearer(key: str) -> dict[str, str]:
    """As a header that `Client.ask` takes."""
    return {"Authorization": f"Bearer {key}"}
