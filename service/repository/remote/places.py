"""The settings' addresses, opened: the one place that knows which setting is which."""

from service.base.settings import Settings
from service.repository.remote.address import check_packages, read_address
from service.repository.remote.bucket import Bucket
from service.repository.remote.system import open_store


def check_addresses(settings: Settings) -> None:
    """Raise SettingsInvalid for an address that can't be opened; nothing is asked there."""
    for setting in ("repository_url", "compiled_url"):
        text = getattr(settings, setting)
        if text:
            check_packages(read_address(text, setting), setting)


def open_repository(settings: Settings) -> Bucket:
    """The repository at its address. Raises SettingsInvalid."""
    return _open(settings.repository_url, "repository_url", "remote repository")


def open_compiled(settings: Settings) -> Bucket:
    """Where compiled versions are put. Raises SettingsInvalid."""
    return _open(settings.compiled_url, "compiled_url", "store of compiled versions")


def _open(text: str, setting: str, name: str) -> Bucket:
    address = read_address(text, setting)
    check_packages(address, setting)
    return Bucket(address, open_store, name)
