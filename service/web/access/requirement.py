"""Whether callers have to prove who they are, and what a service that asks them needs."""

import importlib.util
import os
from ipaddress import ip_address
from urllib.parse import urlsplit

from service.base.errors import SettingsInvalid
from service.base.key_file import read_keys
from service.base.settings import Settings

OIDC_PACKAGES = ("jwt", "cryptography")


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_open(settings: Settings) -> bool:
    """True where nobody has to prove anything."""
    if settings.access == "auto":
        return is_loopback(settings.host)
    return settings.access == "open"


def for_other_servers(settings: Settings) -> Settings:
    """The settings where another server listens: nobody knows where, so that `auto` is `keys`."""
    return settings.model_copy(update={"access": "keys"}) if settings.access == "auto" else settings


def check_access(settings: Settings) -> None:
    """Refuse to start a service that nobody could ask. Raises SettingsInvalid or KeysRefused."""
    if is_open(settings):
        return
    if settings.oidc_issuer:
        _check_oidc(settings)
    path = settings.keys_path
    if os.path.lexists(path):
        read_keys(path)
    elif not settings.oidc_issuer:
        raise SettingsInvalid(
            f"who may ask is not settled: the service listens on {settings.host} and there is no "
            f"file of keys. Make a key with: kerasd keys add NAME --roles admin --file {path} "
            "; or let everybody do everything with: --insecure"
        )


def _check_oidc(settings: Settings) -> None:
    if not settings.oidc_audience:
        raise SettingsInvalid(
            "setting oidc_audience is empty: a token for any other service would be good here, too"
        )
    address = urlsplit(settings.oidc_issuer)
    is_safe = address.scheme == "https" or (
        address.scheme == "http" and is_loopback(address.hostname or "")
    )
    if not is_safe or not address.hostname or address.query or address.fragment:
        raise SettingsInvalid(
            f"setting oidc_issuer = {settings.oidc_issuer!r}: expected an address that begins with "
            "https://"
        )
    if any(importlib.util.find_spec(name) is None for name in OIDC_PACKAGES):
        raise SettingsInvalid(
            "setting oidc_issuer needs a package that is not installed: pip install 'kerasd[oidc]'"
        )
