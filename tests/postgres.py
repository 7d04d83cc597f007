"""A PostgreSQL server of Debian's for tests: a private cluster that only this process can reach.

It listens on a socket in its own folder. PostgreSQL refuses to run as root, so that root has it run
by `postgres`, whom Debian's package makes.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from service.base.database import migrate, open_database
from tests.lacking import lacking
from tests.running import processes

DEBIAN = Path("/usr/lib/postgresql")
OWNER = "postgres"
USER = "kerasd"
TEMPLATE = "migrated"
READY_S = 60.0


def missing() -> str:
    """Why there can be no server; empty where there can."""
    if _binaries() is None:
        return f"no PostgreSQL below {DEBIAN}: apt-get install postgresql"
    if importlib.util.find_spec("psycopg") is None:
        return "no psycopg: pip install 'kerasd[postgres]'"
    return ""


@contextmanager
def running_postgres() -> Iterator["Postgres"]:
    """A server as long as it is needed."""
    reason = missing()
    if reason:
        lacking(reason)
    folder = Path(tempfile.mkdtemp(prefix="kerasd-postgres-"))
    server = Postgres(folder)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


class Postgres:
    """One cluster: started, killed and started again at will."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def initialise(self) -> None:
        """Make the cluster's files."""
        if os.getuid() == 0:
            shutil.chown(self._folder, OWNER, OWNER)
        command = ["initdb", "-D", "data", "-U", USER, "--auth=trust", "-E", "UTF8", "--no-sync"]
        made = self._run([*command, "--locale=C.UTF-8"])
        assert made.wait(READY_S) == 0, self._log()

    def start(self) -> None:
        """Start the server and wait until it answers.

        After a kill it refuses as long as a process of the old one is still ending.
        """
        deadline = time.monotonic() + READY_S
        while True:
            if self._process is None or self._process.poll() is not None:
                options = ["-D", "data", "-k", str(self._folder), "-c", "listen_addresses="]
                self._process = self._run(["postgres", *options])
            if self._answers():
                return
            assert time.monotonic() < deadline, self._log()
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the postmaster in the middle of whatever it does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def kill_all(self) -> None:
        """Kill the postmaster and all that it has started, those that answer queries too."""
        assert self._process is not None
        postmaster = self._process.pid
        backends = [pid for pid, parent, _ in processes() if parent == postmaster]
        self.kill()
        for pid in backends:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the server, with whoever is connected."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(READY_S)

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://{USER}@/{database}?host={self._folder}"

    def empty(self) -> str:
        """The address of a new database, in which nothing is."""
        self._databases += 1
        return self._create(f"test{self._databases}", "template0")

    def migrated(self) -> str:
        """The address of a new database with the schema."""
        if not self._exists(TEMPLATE):
            engine = open_database(self._create(TEMPLATE, "template0"))
            migrate(engine)
            engine.dispose()
        self._databases += 1
        return self._create(f"test{self._databases}", TEMPLATE)

    def _create(self, name: str, template: str) -> str:
        self._administer(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def _exists(self, name: str) -> bool:
        query = f"SELECT 1 FROM pg_database WHERE datname = '{name}'"
        return self._administer(query) is not None

    def _administer(self, statement: str) -> object:
        engine = open_database(self.url("postgres"))
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                result = connection.execute(sa.text(statement))
                return result.scalar() if result.returns_rows else None
        finally:
            engine.dispose()

    def _answers(self) -> bool:
        ready = self._run(["pg_isready", "-q", "-h", str(self._folder), "-U", USER])
        return ready.wait(READY_S) == 0

    def _run(self, command: list[str]) -> "subprocess.Popen[bytes]":
        binaries = _binaries()
        assert binaries is not None
        owner = pwd.getpwnam(OWNER) if os.getuid() == 0 else None
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [binaries / command[0], *command[1:]],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                user=owner and owner.pw_uid,
                group=owner and owner.pw_gid,
                extra_groups=None if owner is None else [],
            )

    def _log(self) -> str:
        return (self._folder / "log").read_text()[-3000:]


def _binaries() -> Path | None:
    """Where the newest PostgreSQL's programs are; Debian puts them on no path."""
    found = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None
