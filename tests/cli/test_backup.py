"""`kerasd backup`, as an operator runs it, beside one who writes; what a restore takes of it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.base.database import HEAD
from service.base.database_errors import BackupRefused, SchemaUnknown
from tests.cli.kept_state import backup, contents, kept_state, refused, run, secret


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    with kept_state(tmp_path) as folder:
        yield folder


def test_it_holds_what_cannot_be_computed_again_and_no_more(state: Path) -> None:
    target = backup(state)

    names = {name.replace(job, "JOB") for name in contents(target) for job in ended_jobs(target)}
    assert names == {
        "backup.json", "kerasd.sqlite", "keys.json", "data/digits/rows.csv",
        "captured/digits/2026-01-01/00.parquet", "jobs/JOB/log",
    }  # fmt: skip
    assert target.stat().st_mode & 0o077 == 0  # keys of receipts are in it
    assert list(target.parent.iterdir()) == [target]


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


def test_a_backup_is_never_written_over(state: Path) -> None:
    error = refused("backup", backup(state), "--state-dir", state)
    assert isinstance(error, BackupRefused)
    assert "is there already" in str(error)


def test_another_state_directory_is_noticed(state: Path, tmp_path: Path) -> None:
    error = refused("backup", tmp_path / "b", "--state-dir", tmp_path / "wrong")
    assert "There is no database" in str(error)
    assert not (tmp_path / "b").exists()


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


def test_what_a_newer_one_has_declared_good_for_this_one_is_copied(
    state: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(state / "kerasd.sqlite")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("UPDATE schema_good_for SET revision = '9999', oldest = ?", (HEAD,))
        database.commit()

    run("restore", backup(state), "--state-dir", tmp_path / "new")

    assert secret(tmp_path / "new" / "kerasd.sqlite") == secret(state / "kerasd.sqlite")


def test_keys_that_are_mounted_are_left_to_who_mounts_them(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = backup(state)
    mounted = tmp_path / "secret" / "keys.json"
    mounted.parent.mkdir()
    mounted.write_text("mounted")
    monkeypatch.setenv("KERASD_KEYS_FILE", str(mounted))

    told = run("backup", tmp_path / "without", "--state-dir", state)
    assert f"left to you: {mounted}" in told
    assert not (tmp_path / "without" / "keys.json").exists()
    for number, source in enumerate((tmp_path / "without", everything)):
        told = run("restore", source, "--state-dir", tmp_path / f"new{number}")
        assert f"left to you: {mounted}" in told
        assert not (tmp_path / f"new{number}" / "keys.json").exists()
    assert mounted.read_text() == "mounted"


def test_keys_in_the_shared_directory_are_the_services_own(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERASD_SHARED_DIR", str(tmp_path / "shared"))
    monkeypatch.setenv("KERASD_KEYS_FILE", str(tmp_path / "shared" / "keys.json"))
    (tmp_path / "shared").mkdir()
    (state / "keys.json").rename(tmp_path / "shared" / "keys.json")

    assert "left to you" not in run("backup", tmp_path / "b", "--state-dir", state)

    assert (tmp_path / "b" / "keys.json").is_file()


def test_a_damaged_database_is_no_backup(state: Path, tmp_path: Path) -> None:
    for path in state.glob("kerasd.sqlite*"):
        path.unlink()
    (state / "kerasd.sqlite").write_bytes(b"no database at all" * 1000)

    error = refused("backup", tmp_path / "b", "--state-dir", state)

    assert "can't be" in str(error)
    assert list(tmp_path.glob("*b*")) == []
