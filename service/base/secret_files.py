"""Secrets as files, as Docker, Swarm and Kubernetes mount them: `kerasd_<setting>` in one folder.

A file is seen by the containers that are given it. What stands in the environment is seen by
whoever inspects the container, and by every process that is started there.
"""

from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from service.base.errors import SettingsInvalid

PREFIX = "kerasd_"
SECRETS_DIR = Path("/run/secrets")
SECRET_SETTINGS = ("api_key", "database_url", "ray_token", "webhook")  # a URL may hold a key
LONGEST_SECRET = 64 * 1024


def read_secrets(folder: Path) -> dict[str, str]:
    """The settings of which the folder has files; none where there is no folder, or the default
    one is somebody else's.

    Files of others are left alone. Raises SettingsInvalid, which never shows what is inside.
    """
    try:
        names = sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        if folder == SECRETS_DIR and isinstance(error, PermissionError):  # nobody has named it
            return {}
        raise SettingsInvalid(f"secrets in {folder}: {error.strerror}") from error
    ours = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
    unknown = [PREFIX + name for name in ours if name not in SECRET_SETTINGS]
    if unknown:
        expected = ", ".join(PREFIX + name for name in SECRET_SETTINGS)
        raise SettingsInvalid(
            f"unknown secret in {folder}: {', '.join(unknown)}; expected one of {expected}"
        )
    return {name: _read(folder / (PREFIX + name)) for name in ours}


class SecretFiles(PydanticBaseSettingsSource):
    """Reads them from the folder that the setting `secrets_dir` names."""

    def __init__(self, settings_cls: type[BaseSettings], later: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._later = later

    def __call__(self) -> dict[str, Any]:
        """What the files say; sources before and after this one may name the folder."""
        told = {**self._later(), **self.current_state}
        return dict(read_secrets(Path(told.get("secrets_dir", SECRETS_DIR))))

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not asked: all files are read at once."""
        raise NotImplementedError


def _read(path: Path) -> str:
    """A file's text without the line end that editors and `echo` leave."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_SECRET + 1)
        text = content.decode()
    except OSError as error:
        raise SettingsInvalid(f"secret {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsInvalid(f"secret {path}: expected text in UTF-8") from error
    if len(content) > LONGEST_SECRET:
        raise SettingsInvalid(f"secret {path}: expected at most {LONGEST_SECRET} bytes")
    return text.removesuffix("\n").removesuffix("\r")
