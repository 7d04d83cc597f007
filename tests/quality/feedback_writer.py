"""A process that sends feedback until it is killed, and says what was acknowledged.

python -m tests.quality.feedback_writer DATABASE WRITER FIRST: chunk after chunk from number FIRST
on, each sent until it is acknowledged. Every third chunk corrects the chunk before.
"""

import sys
from collections.abc import Iterator

import sqlalchemy as sa

from service.base.database import open_database
from service.quality.feedback import Labelled
from service.quality.store import QualityStore
from tests.quality.rows import NOON, labelled

CHUNK = 40
CLASSES = 10


def chunk(writer: str, number: int) -> list[Labelled]:
    """The rows of a chunk: new ones, or those of the chunk before with other labels."""
    is_correction = number % 3 == 2
    first = (number - 1 if is_correction else number) * CHUNK
    return [
        labelled(f"{writer}/{n}", (n + 3 * is_correction) % CLASSES, n % 7, at=NOON + n)
        for n in range(first, first + CHUNK)
    ]


def chunks(writer: str, first: int) -> Iterator[tuple[int, list[Labelled]]]:
    """All chunks from a number on."""
    number = first
    while True:
        yield number, chunk(writer, number)
        number += 1


def main() -> None:
    """Send; each acknowledged number is a line."""
    database, writer, first = sys.argv[1:]
    store = QualityStore(open_database(database), "/models")
    for number, rows in chunks(writer, int(first)):
        while True:
            try:
                told = store.record_feedback("m", rows, NOON)
            except sa.exc.OperationalError:  # the database is away: everything once more
                continue
            assert all(one.is_kept for one in told)
            break
        print(number, flush=True)


if __name__ == "__main__":
    main()
