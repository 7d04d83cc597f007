"""Addresses of remote repositories: what they may be, and the package that opens them.

Refused is whatever would be a way around: local files, which have a path of their own, web pages,
which can't be listed, and schemes that are wrapped around others.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec

from service.base.errors import SettingsInvalid

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
# Beside these, any scheme that fsspec or an installed package knows.
PACKAGES = {
    "s3": ("s3fs", "kerasd[s3]"),
    "s3a": ("s3fs", "kerasd[s3]"),
    "gs": ("gcsfs", "kerasd[gcs]"),
    "gcs": ("gcsfs", "kerasd[gcs]"),
    "abfs": ("adlfs", "kerasd[azure]"),
    "abfss": ("adlfs", "kerasd[azure]"),
    "az": ("adlfs", "kerasd[azure]"),
}
ENGINE = ("fsspec", "kerasd[s3]")
NOT_REMOTE = frozenset({"file", "local", "data", "dir", "http", "https", "root"})
WRAPPING = frozenset(
    {"asyncwrapper", "blockcache", "cached", "filecache", "generic", "reference", "simplecache",
     "tar", "zip", "libarchive", "dask"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """`root` is the bucket and the folder in it, without `/` at its end."""

    scheme: str
    root: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.root}"


def read_address(text: str, setting: str) -> Address:
    """The address as it was set. Raises SettingsInvalid, which never shows a password."""
    scheme, _, root = text.partition("://")
    root = root.rstrip("/")
    bucket = root.split("/", 1)[0]
    if "@" in bucket and ":" in bucket.split("@", 1)[0]:
        raise SettingsInvalid(
            f"setting {setting} holds a user and a password: credentials come from the environment "
            "(AWS_ACCESS_KEY_ID and the like), never from the address"
        )
    shown = f"setting {setting} = {text[:200]!a}"
    if "::" in text or scheme in WRAPPING:
        raise SettingsInvalid(f"{shown}: addresses that are wrapped in others are not opened")
    if scheme in NOT_REMOTE:
        raise SettingsInvalid(f"{shown}: {scheme}:// is no remote repository; give a path")
    if not SCHEME.fullmatch(scheme) or not bucket:
        raise SettingsInvalid(f"{shown}: expected an address such as s3://bucket/models")
    if re.search(r"[\x00-\x20\x7f?#\\]", root) or not _is_plain(root):
        raise SettingsInvalid(
            f"{shown}: expected BUCKET/FOLDER without blanks, '?', '#', '\\', '.', '..' or '//'"
        )
    return Address(scheme, root)


def check_packages(address: Address, setting: str) -> None:
    """Raise SettingsInvalid, with the command that installs it, where a package is missing."""
    for package, extra in (ENGINE, PACKAGES.get(address.scheme, ENGINE)):
        if find_spec(package) is None:
            raise SettingsInvalid(
                f"setting {setting} = {address}: {address.scheme}:// needs the package {package}: "
                f"pip install '{extra}'"
            )
    from fsspec import get_filesystem_class  # here only: local repositories never pay for it

    try:
        get_filesystem_class(address.scheme)
    except (ValueError, ImportError) as error:
        raise SettingsInvalid(
            f"setting {setting} = {address}: {address.scheme}:// can't be opened: {error}"
        ) from error


def _is_plain(root: str) -> bool:
    return not {"", ".", ".."} & set(root.split("/"))
