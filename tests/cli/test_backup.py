"""`kerasd backup` and `kerasd restore`, as an operator runs them, beside one who writes."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.base.database import migrate, open_database
from service.base.database_errors import BackupRefused, SchemaUnknown
from service.base.errors import KerasdError, StateDirectoryBusy
from service.base.lock import hold_lock
from service.cli.main import cli
from service.jobs.store import JobStore
from service.quality.store_keys import KeyStore
from service.repository.store import VersionStore
from tests.jobs.orders import ORDER


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory in which there is something of everything; a connection stays open."""
    folder = tmp_path / "state"
    engine = open_database(f"sqlite:///{folder}/kerasd.sqlite")
    migrate(engine)
    KeyStore(engine).get_or_create(1.0)
    jobs = JobStore(engine, str(tmp_path / "models"))
    VersionStore(engine, str(tmp_path / "models")).replace([])  # looked through
    ended, waiting = jobs.submit(ORDER, 1.0), jobs.submit(ORDER, 2.0)
    jobs.ask_cancel(ended.id, 3.0)
    for name in (
        "data/digits/rows.csv", "captured/digits/2026-01-01/00.parquet",
        "captured/digits/2026-01-01/.half", f"jobs/{ended.id}/log", f"jobs/{ended.id}/backup/w",
        f"jobs/{waiting.id}/log", "compiled/abc/model.onnx", "metrics/1.db", "incoming/x",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "keys.json").write_text('{"format": 1, "keys": []}')
    yield folder
    engine.dispose()


def run(*words: str | Path) -> str:
    """What a command that succeeds prints."""
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: str | Path) -> KerasdError:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert isinstance(result.exception, KerasdError), result.output
    return result.exception


def backup(state: Path) -> Path:
    target = state.parent / "backups" / "monday"
    run("backup", target, "--state-dir", state)
    return target


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def secret(database: Path) -> object:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT secret FROM receipt_keys").fetchone()


def test_it_holds_what_cannot_be_computed_again_and_no_more(state: Path) -> None:
    target = backup(state)

    names = {name.replace(job, "JOB") for name in contents(target) for job in ended_jobs(target)}
    assert names == {
        "backup.json", "kerasd.sqlite", "keys.json", "data/digits/rows.csv",
        "captured/digits/2026-01-01/00.parquet", "jobs/JOB/log",
    }  # fmt: skip
    assert target.stat().st_mode & 0o077 == 0  # keys of receipts are in it
    assert list(target.parent.iterdir()) == [target]


def is_lock(path: Path) -> bool:
    return "run" in path.parts


def ended_jobs(target: Path) -> list[str]:
    return [path.name for path in (target / "jobs").iterdir()]


def test_what_was_committed_is_in_it_though_it_stands_in_the_log_only(state: Path) -> None:
    writer = sqlite3.connect(state / "kerasd.sqlite")
    writer.execute("INSERT INTO scans VALUES ('before', '2026-01-01')")
    writer.commit()
    writer.execute("INSERT INTO scans VALUES ('not committed', '2026-01-01')")

    target = backup(state)

    with closing(sqlite3.connect(target / "kerasd.sqlite")) as copy:
        found = {name for (name,) in copy.execute("SELECT repository FROM scans")}
    assert found == {"before", str(state.parent / "models")}
    assert secret(target / "kerasd.sqlite") == secret(state / "kerasd.sqlite")
    writer.close()


def test_restored_into_a_fresh_place_it_is_what_it_was(state: Path, tmp_path: Path) -> None:
    target = backup(state)

    told = run("restore", target, "--state-dir", tmp_path / "new")

    restored = contents(tmp_path / "new")
    expected = contents(target)
    del expected["backup.json"]
    assert {n: b for n, b in restored.items() if not n.startswith("run/")} == expected
    assert f"the same path: {tmp_path}/models" in told
    modes = {
        path.stat().st_mode & 0o077 for path in (tmp_path / "new").rglob("*") if not is_lock(path)
    }
    assert modes == {0}  # for its owner alone


@pytest.mark.parametrize("left", ["kerasd.sqlite-wal", "kerasd.sqlite-shm"])
def test_nothing_is_restored_beside_the_log_of_another_database(
    state: Path, tmp_path: Path, left: str
) -> None:
    target = backup(state)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / left).write_bytes(b"what SQLite would replay")

    error = refused("restore", target, "--state-dir", tmp_path / "new")

    assert left in str(error)
    assert not (tmp_path / "new" / "kerasd.sqlite").exists()
    assert (tmp_path / "new" / left).exists()


def test_a_backup_is_never_written_over(state: Path) -> None:
    error = refused("backup", backup(state), "--state-dir", state)
    assert isinstance(error, BackupRefused)
    assert "is there already" in str(error)


def test_another_state_directory_is_noticed(state: Path, tmp_path: Path) -> None:
    error = refused("backup", tmp_path / "b", "--state-dir", tmp_path / "wrong")
    assert "There is no database" in str(error)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", ["kerasd.sqlite", "keys.json", "data/digits/rows.csv"])
@pytest.mark.parametrize("is_gone", [False, True], ids=["changed", "gone"])
def test_a_damaged_backup_is_refused_before_anything_is_written(
    state: Path, tmp_path: Path, name: str, is_gone: bool
) -> None:
    target = backup(state)
    (target / name).unlink()
    if not is_gone:
        (target / name).write_text("something else")

    error = refused("restore", target, "--state-dir", tmp_path / "new")

    assert name in str(error)
    assert not (tmp_path / "new").exists()


def test_nothing_is_restored_over_what_is_there(state: Path) -> None:
    target = backup(state)
    (state / "keys.json").write_text("newer")

    error = refused("restore", target, "--state-dir", state)

    assert "is there already" in str(error)
    assert (state / "keys.json").read_text() == "newer"
    assert secret(state / "kerasd.sqlite") == secret(target / "kerasd.sqlite")


def test_nothing_is_restored_under_a_running_service(state: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    with hold_lock(new / "run" / "controller.lock", new):
        error = refused("restore", backup(state), "--state-dir", new)
    assert isinstance(error, StateDirectoryBusy)


def test_a_backup_names_no_file_outside_of_it(state: Path, tmp_path: Path) -> None:
    target = backup(state)
    record = json.loads((target / "backup.json").read_text())
    record["files"]["../stolen"] = "0" * 64
    (target / "backup.json").write_text(json.dumps(record))

    error = refused("restore", target, "--state-dir", tmp_path / "new")

    assert "outside of the backup: ../stolen" in str(error)


def test_what_a_newer_kerasd_has_changed_is_refused(state: Path, tmp_path: Path) -> None:
    target = backup(state)
    record = json.loads((target / "backup.json").read_text())
    (target / "backup.json").write_text(json.dumps(record | {"schema_revision": "9999"}))
    assert isinstance(refused("restore", target, "--state-dir", tmp_path / "new"), SchemaUnknown)
    with closing(sqlite3.connect(state / "kerasd.sqlite")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    error = refused("backup", tmp_path / "b", "--state-dir", state)

    assert isinstance(error, SchemaUnknown)
    assert not (tmp_path / "b").exists()


def test_a_damaged_database_is_no_backup(state: Path, tmp_path: Path) -> None:
    for path in state.glob("kerasd.sqlite*"):
        path.unlink()
    (state / "kerasd.sqlite").write_bytes(b"no database at all" * 1000)

    error = refused("backup", tmp_path / "b", "--state-dir", state)

    assert "can't be" in str(error)
    assert list(tmp_path.glob("*b*")) == []
