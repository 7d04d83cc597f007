"""What `kerasd keys` does to the keys there are: pure functions over the file's records."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from service.base.errors import KeysRefused
from service.base.faults import fault_text
from service.base.key_file import KeyRecord
from service.base.key_text import NewKey

Keys = tuple[KeyRecord, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new key shall be good for."""

    name: str
    roles: tuple[str, ...]
    models: tuple[str, ...] = ()
    rate: str = ""
    expires: datetime | None = None


def add_key(keys: Keys, grant: Grant, new: NewKey, now: datetime) -> Keys:
    """With one more. Raises KeysRefused for a name that has a good key, or a wrong grant."""
    if any(key.name == grant.name and key.is_good(now) for key in keys):
        raise KeysRefused(
            f"There is a key '{grant.name}' already; give it a new secret with: "
            f"kerasd keys rotate {grant.name}"
        )
    try:
        record = KeyRecord.model_validate(
            {
                "name": grant.name, "id": new.id, "sha256": new.sha256, "roles": grant.roles,
                "models": grant.models, "rate": grant.rate, "created": now,
                "expires": grant.expires,
            }
        )  # fmt: skip
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise KeysRefused(f"{fault['loc'][0]} of the key: {fault_text(fault)}") from error
    return (*keys, record)


def revoke_key(keys: Keys, name: str, now: datetime) -> Keys:
    """With all of that name revoked. Raises KeysRefused if none is good."""
    _latest(keys, name, now)
    return tuple(
        key.model_copy(update={"revoked": now}) if key.name == name and key.revoked is None else key
        for key in keys
    )


def rotate_key(keys: Keys, name: str, new: NewKey, now: datetime, grace: timedelta) -> Keys:
    """With a new secret for the same rights; the old one is good for `grace` more.

    Raises KeysRefused if none of that name is good.
    """
    old = _latest(keys, name, now)
    fresh = old.model_copy(update={"id": new.id, "sha256": new.sha256, "created": now})
    rest = []
    for key in keys:
        if key.name == name and key.is_good(now):
            change = {"expires": min(key.expires or now + grace, now + grace)}
            key = key.model_copy(update=change if grace else {"revoked": now})
        rest.append(key)
    return (*rest, fresh)


def _latest(keys: Keys, name: str, now: datetime) -> KeyRecord:
    good = [key for key in keys if key.name == name and key.is_good(now)]
    if not good:
        raise KeysRefused(f"There is no good key '{name}'; see: kerasd keys list")
    return good[-1]
