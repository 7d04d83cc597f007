"""A state directory with something of everything, and the commands that back it up."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from click.testing import CliRunner

from service.base.database import migrate, open_database
from service.base.errors import KerasdError
from service.cli.main import cli
from service.jobs.store import JobStore
from service.quality.store_keys import KeyStore
from service.repository.store import VersionStore
from tests.jobs.orders import ORDER


@contextmanager
def kept_state(tmp_path: Path) -> Iterator[Path]:
    """The state directory; a connection to its database stays open."""
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


def secret(database: Path) -> object:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT secret FROM receipt_keys").fetchone()


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
