"""A consistent copy of what can't be computed again, made beside a running service."""

import shutil
import tempfile
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from service import __version__
from service.base.copied import Chosen, copy_file, copy_folder, digest_of
from service.base.database import Engine, check_schema, open_database
from service.base.database_copy import copy_database, sqlite_file
from service.base.database_errors import BackupRefused, database_words
from service.base.durable import rename_new, storing, sync
from service.base.settings import Settings
from service.cli.backup_record import DATABASE, JOBS, RECORD, BackupRecord, places
from service.repository.store import repositories


def make_backup(settings: Settings, target: Path) -> BackupRecord:
    """Make it aside and rename it: whoever sees the folder sees a whole backup.

    The database comes first, so that all that it names is there still when the files are copied.
    Raises BackupRefused, SchemaUnknown or StorageFull.
    """
    if target.exists():
        raise BackupRefused(f"{target} is there already; name a folder that isn't")
    check_schema(settings.database)
    with storing("folder of the backup"):
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            record = _fill(settings, aside)
            (aside / RECORD).write_text(record.model_dump_json(indent=2))
            sync(aside / RECORD)
            for folder in (aside, *(path for path in aside.rglob("*") if path.is_dir())):
                sync(folder)
            rename_new(aside, target)
            sync(target.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return record


def _fill(settings: Settings, aside: Path) -> BackupRecord:
    files: dict[str, str] = {}
    began, revision = datetime.now(UTC), ""
    engine = open_database(settings.database)
    try:
        database = sqlite_file(engine)
        if database is not None:
            revision = copy_database(database, aside / DATABASE)
            files[DATABASE] = digest_of(aside / DATABASE)
        known = repositories(engine)
        is_kept = _ended_jobs(engine, settings.repository_key)
        for name, place in places(settings).items():
            if place.is_file():
                files[name] = copy_file(place, aside / name)
                continue
            chosen = is_kept if name == JOBS else _all
            found = copy_folder(place, aside / name, chosen)
            files |= {f"{name}/{path}": digest for path, digest in found.items()}
    except SQLAlchemyError as error:
        why = database_words(error)
        raise BackupRefused(f"The database can't be read: {why}") from error
    finally:
        engine.dispose()
    return BackupRecord(
        kerasd=__version__,
        made=began,
        repositories=known,
        schema_revision=revision,
        files=files,
    )


def _ended_jobs(engine: Engine, repository: str) -> Chosen:
    """Files of jobs that have ended: one that runs writes in its own, and begins anew from none."""
    from service.controller.job_pruning import LEFT
    from service.jobs.store import JobStore

    store = JobStore(engine, repository)
    ended = store.ids() - store.unended()

    def is_kept(path: Path) -> bool:
        job, *rest = path.parts
        return job in ended and bool(rest) and not any(fnmatch(rest[0], name) for name in LEFT)

    return is_kept


def _all(_path: Path) -> bool:
    return True
