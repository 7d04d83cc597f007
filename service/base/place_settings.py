"""The settings of places: where models come from, and where what kerasd writes is kept."""

import re
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from service.base.job_settings import Seconds

DEFAULT_STATE = Path(".kerasd")
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.+")
LONGEST_ADDRESS = 2048


class PlaceSettings(BaseSettings):
    """Folders and addresses; each folder without a setting of its own lies in one that has."""

    repository: Path = Field(
        default=Path("model_repo"),
        description="Folder of models, one model file, or an address such as s3://bucket/models",
    )
    repository_url: str = Field(
        default="",
        max_length=LONGEST_ADDRESS,
        description="The address of a remote repository; set by giving it as repository",
    )
    remote_poll_s: Seconds = Field(
        default=10, description="Pause between two looks at a remote repository"
    )
    compiled_url: str = Field(
        default="",
        max_length=LONGEST_ADDRESS,
        description="Address, such as s3://bucket/compiled, where compiled versions are put for "
        "replicas that share no folder; empty = nowhere",
    )
    state_dir: Path = Field(
        default=DEFAULT_STATE,
        description="Folder for what kerasd writes: database, keys, compiled files, uploads, locks",
    )
    shared_dir: Path | None = Field(
        default=None,
        description="Folder that replicas share: compiled versions, data files, captured inputs, "
        "jobs; default: the state directory",
    )
    compiled_dir: Path | None = Field(
        default=None,
        description="Folder of compiled versions, read-only where they were baked; "
        "default: compiled in the shared directory",
    )
    database_url: str = Field(
        default="", description="SQLAlchemy address; empty = SQLite in the state directory"
    )

    @model_validator(mode="before")
    @classmethod
    def _take_address(cls, given: Any) -> Any:
        """A repository given as an address is mirrored below the state directory."""
        if not isinstance(given, dict):
            return given
        place = str(given.get("repository", ""))
        address = place if ADDRESS.fullmatch(place) else given.get("repository_url")
        if not address:
            return given
        mirror = Path(given.get("state_dir", DEFAULT_STATE)) / "mirror" / "models"
        return {**given, "repository": mirror, "repository_url": str(address).rstrip("/")}

    @property
    def shared_path(self) -> Path:
        """What replicas share, if there are several."""
        return self.shared_dir or self.state_dir

    @property
    def database(self) -> str:
        """The database's SQLAlchemy address."""
        return self.database_url or f"sqlite:///{self.state_dir.absolute()}/kerasd.sqlite"

    @property
    def repository_key(self) -> str:
        """What tells this repository's rows in a shared database from another's."""
        return self.repository_url or str(self.repository.absolute())

    @property
    def compiled_path(self) -> Path:
        """Compiled versions, keyed by content."""
        return self.compiled_dir or self.shared_path / "compiled"

    @property
    def jobs_dir(self) -> Path:
        """The folders of jobs, each named by its job's id."""
        return self.shared_path / "jobs"

    @property
    def uploads_dir(self) -> Path:
        """Data files that were uploaded, by model."""
        return self.shared_path / "data"

    @property
    def capture_dir(self) -> Path:
        """Inputs of predictions that are kept, by model."""
        return self.shared_path / "captured"

    @property
    def mirror_dir(self) -> Path:
        """What is kept of a remote repository; the setting `repository` lies in it."""
        return self.state_dir / "mirror"

    @property
    def metrics_dir(self) -> Path:
        """The workers' metric files."""
        return self.state_dir / "metrics"

    @property
    def run_dir(self) -> Path:
        """Locks, sockets and the scratch folders of child processes."""
        return self.state_dir / "run"

    def places(self) -> dict[str, Path]:
        """Each setting that is a folder, absolute; those that aren't given are left out."""
        names = ("repository", "state_dir", "shared_dir", "compiled_dir")
        given = {name: getattr(self, name) for name in names}
        return {name: path.absolute() for name, path in given.items() if path is not None}
