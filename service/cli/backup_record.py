"""What a backup says of itself: `backup.json`, the sha256 of each of its files."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from service.base.copied import digest_of
from service.base.database_errors import BackupRefused
from service.base.settings import Settings

RECORD = "backup.json"
DATABASE = "kerasd.sqlite"
KEYS = "keys.json"
DATA = "data"
CAPTURED = "captured"
JOBS = "jobs"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BackupRecord(BaseModel):
    """The record; `schema_revision` is empty where the database lies on a server of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    kerasd: str
    made: AwareDatetime
    repositories: list[str]
    schema_revision: str = ""
    files: dict[str, Sha256]


def places(settings: Settings) -> dict[str, Path]:
    """Where each file or folder of a backup lies in service."""
    kept = {
        DATA: settings.uploads_dir,
        CAPTURED: settings.capture_dir,
        JOBS: settings.jobs_dir,
    }
    return {KEYS: settings.keys_path, **kept} if are_keys_ours(settings) else kept


def are_keys_ours(settings: Settings) -> bool:
    """Whether the file of keys lies where kerasd writes; else, as a mounted Secret, it is not."""
    folder = settings.keys_path.absolute().parent.resolve()
    ours = (settings.state_dir, settings.shared_path)
    return any(folder.is_relative_to(one.resolve()) for one in ours)


def read_backup(folder: Path) -> BackupRecord:
    """The record of a backup that is whole. Raises BackupRefused."""
    try:
        record = BackupRecord.model_validate_json((folder / RECORD).read_bytes())
    except OSError as error:
        raise BackupRefused(f"{folder} is no backup: {RECORD} can't be read ({error})") from error
    except ValidationError as error:
        raise BackupRefused(f"{folder / RECORD} is not as kerasd writes it: {error}") from error
    for name, expected in record.files.items():
        _check(folder, name, expected)
    return record


def _check(folder: Path, name: str, expected: str) -> None:
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BackupRefused(f"{folder / RECORD} names a file outside of the backup: {name}")
    if not path.is_file():
        raise BackupRefused(f"The backup {folder} is not whole: {name} is missing")
    if digest_of(path) != expected:
        raise BackupRefused(f"The backup {folder} is damaged: {name} has another sha256")
