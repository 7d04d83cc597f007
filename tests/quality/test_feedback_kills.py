"""Killed in the middle of feedback, writer or database: each acknowledged row is counted once."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import migrate, open_database
from service.quality.store import QualityStore
from service.quality.store_tables import feedback
from tests.postgres import running_postgres
from tests.quality.feedback_writer import chunk

pytestmark = pytest.mark.slow

KILLS = 20
SEED = 6


class Writer:
    """One process that sends feedback; another one goes on where it was killed."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self.name = name
        self.acknowledged = -1
        self._start()

    def run(self, chunks: int) -> None:
        """Wait until so many more chunks were acknowledged."""
        for _ in range(chunks):
            self._read()

    def kill(self) -> None:
        """Kill it wherever it is, and know all that it was told; safe to call again."""
        assert self._process.stdout is not None
        self._process.kill()
        while not self._process.stdout.closed and self._read():
            pass
        self._process.wait()
        self._process.stdout.close()

    def go_on(self) -> None:
        """Begin anew with what wasn't acknowledged, as a client does."""
        self.kill()
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.quality.feedback_writer",
             self._url, self.name, str(self.acknowledged + 1)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _read(self) -> bool:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.endswith("\n"):
            self.acknowledged = int(line)
        return bool(line)


def check(url: str, writers: Sequence[Writer]) -> None:
    """Every acknowledged row counts once; what was in the air counts wholly or not at all."""
    engine = open_database(url)
    store = QualityStore(engine, "/models")
    wanted: Counter[tuple[int, int]] = Counter()
    first: Counter[tuple[int, int]] = Counter()
    in_the_air = 0
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(feedback.c.prediction, feedback.c.true_class, feedback.c.predicted_class)
        ).all()
    kept = {bytes(row.prediction): (row.true_class, row.predicted_class) for row in rows}
    for writer in writers:
        for number in range(writer.acknowledged + 2):
            found = [row.prediction.id in kept for row in chunk(writer.name, number)]
            assert all(found) or (number > writer.acknowledged and not any(found))
            if all(found) and number % 3 != 2:
                first.update((int(r.truth), int(r.predicted)) for r in chunk(writer.name, number))
                in_the_air += number > writer.acknowledged
    wanted.update(kept.values())
    reading, counted = store.readings()[0], store.counters().versions[0]
    assert {cell: n for cell, n in reading.cells.items() if n} == wanted
    assert dict(counted.first.cells) == first
    assert counted.rows == reading.labelled == len(kept) == first.total()
    assert in_the_air <= len(writers)
    engine.dispose()


def check_labels(url: str, writer: Writer) -> None:
    """The last acknowledged label of each row is the one that is kept."""
    engine = open_database(url)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(feedback.c.prediction, feedback.c.true_class)).all()
    kept = {row.prediction: row.true_class for row in rows}
    engine.dispose()
    last = {
        row.prediction.id: row.truth
        for number in range(writer.acknowledged + 1)
        for row in chunk(writer.name, number)
    }
    later = {row.prediction.id for row in chunk(writer.name, writer.acknowledged + 1)}
    assert {name: truth for name, truth in last.items() if name not in later} == {
        name: kept[name] for name in last if name not in later
    }


Start = Callable[[str, str], Writer]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts writers, all of which end with the test."""
    started: list[Writer] = []

    def begin(url: str, name: str) -> Writer:
        started.append(Writer(url, name))
        return started[-1]

    yield begin
    for one in started:
        one.kill()


def test_a_writer_that_is_killed_loses_and_doubles_nothing(tmp_path: Path, start: Start) -> None:
    url = f"sqlite:///{tmp_path}/kerasd.sqlite"
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    draw = random.Random(SEED)
    writers = [start(url, name) for name in ("a", "b")]

    for _ in range(KILLS):
        victim = draw.choice(writers)
        victim.run(draw.randrange(1, 6))
        victim.go_on()

    finish(url, writers)
    assert sum(one.acknowledged for one in writers) > KILLS


@pytest.mark.parametrize("seed", range(3))
def test_a_database_that_is_killed_loses_and_doubles_nothing(seed: int, start: Start) -> None:
    draw = random.Random(seed)
    with running_postgres() as server:
        url = server.migrated()
        writers = [start(url, name) for name in ("a", "b", "c")]

        for _ in range(3):
            for one in writers:
                one.run(draw.randrange(1, 8))
            server.kill()
            server.start()

        finish(url, writers)


def finish(url: str, writers: Sequence[Writer]) -> None:
    """Let all go on for a while, end them, and look at what is there."""
    for one in writers:
        one.run(2)
        one.kill()
    check(url, writers)
    for one in writers:
        check_labels(url, one)
