"""How a backup becomes the state of a service that has none."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from service.base.copied import copy_file
from service.base.database import open_database
from service.base.database_copy import check_copy, sqlite_file
from service.base.database_errors import BackupRefused
from service.base.durable import rename_new, storing, sync
from service.base.lock import hold_lock
from service.base.settings import Settings
from service.cli.backup_record import DATABASE, KEYS, BackupRecord, places, read_backup

LOGS = ("-wal", "-shm", "-journal")
LOCKS = ("serve.lock", "web.lock", "controller.lock")


def restore_backup(settings: Settings, source: Path) -> BackupRecord:
    """Look at everything first, then copy; what was copied is removed where it doesn't end well.

    Raises BackupRefused, SchemaUnknown, StateDirectoryBusy or StorageFull.
    """
    record = read_backup(source)
    if record.schema_revision:
        check_copy(source / DATABASE, record.schema_revision)
    targets = _targets(settings, record)
    with _alone(settings), storing("state directory"):
        taken = [place for place in _places_of(targets) if _is_taken(place)]
        if taken:
            raise BackupRefused(f"{taken[0]} is there already; restore into a fresh place")
        names = [name for name in record.files if name != KEYS or KEYS in targets]
        try:
            _copy(source, (name for name in names if name != DATABASE), targets)
            _copy(source, (name for name in names if name == DATABASE), targets)
        except BaseException:
            for place in targets.values():
                shutil.rmtree(place, ignore_errors=True)
                if not place.is_dir():
                    place.unlink(missing_ok=True)
                _aside(place).unlink(missing_ok=True)
            raise
    return record


def _targets(settings: Settings, record: BackupRecord) -> dict[str, Path]:
    """Where each file or folder goes; the database is copied last: with it the state is there."""
    engine = open_database(settings.database)
    database = sqlite_file(engine)
    engine.dispose()
    if database is None and record.schema_revision:
        raise BackupRefused(
            "The backup holds an SQLite database, and the setting database_url names another; "
            "restore without it"
        )
    if database is not None and not record.schema_revision:
        raise BackupRefused(
            "The backup holds no database, for it was a server's; restore that one by its own "
            "means and name it by the setting database_url"
        )
    return places(settings) | ({DATABASE: database} if database is not None else {})


def _places_of(targets: dict[str, Path]) -> list[Path]:
    """All that must not be there: SQLite would replay a log that lies beside the database."""
    database = targets.get(DATABASE)
    beside = [database.with_name(database.name + end) for end in LOGS] if database else []
    return [*targets.values(), *beside]


def _copy(source: Path, names: Iterable[str], targets: dict[str, Path]) -> None:
    """Each file aside, then by its name; all of them are on the disk when this returns."""
    folders = set[Path]()
    for name in names:
        head, *rest = Path(name).parts
        if head not in targets:
            raise BackupRefused(f"The backup holds what kerasd doesn't know: {name}")
        place = targets[head]
        target = place.joinpath(*rest)
        _aside(target).unlink(missing_ok=True)  # of a restore that was killed
        copy_file(source / name, _aside(target))
        rename_new(_aside(target), target)
        folders |= {one for one in target.parents if one.is_relative_to(place.parent)}
    for folder in folders:
        sync(folder)


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.restored")


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    with ExitStack() as stack:
        for name in LOCKS:
            stack.enter_context(hold_lock(settings.run_dir / name, settings.state_dir))
        yield


def _is_taken(place: Path) -> bool:
    return any(place.iterdir()) if place.is_dir() else place.exists()
