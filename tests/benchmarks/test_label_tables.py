"""The table about labels has a column for each database and says what was missed."""

from dataclasses import replace

import pytest

from benchmarks.label_tables import document
from benchmarks.labels import Labels

SQLITE = Labels(
    database="sqlite",
    rows=100_000,
    many_per_s=20_000.4,
    ones_per_s=500,
    one_ms=[4.0, 8.0, 40.0],
    before=300_000,
    after=6_700_000,
    scrape_ms=[40.0, 60.0, 120.0],
    fresh_ms=[90.0, 70.0],
    series=5184,
    scrape_bytes=590_400,
    others_cores=0.02,
)
POSTGRESQL = replace(SQLITE, database="postgresql", many_per_s=22_000, fresh_ms=[101.0])


def test_each_database_has_a_column() -> None:
    lines = document("here", [SQLITE, POSTGRESQL]).splitlines()
    assert "| what | SQLite | PostgreSQL |" in lines
    assert "| labels a second, 5000 a request | 20000 | 22000 |" in lines
    assert "| a label | 64 bytes | 64 bytes |" in lines
    assert lines[0] == "here"


@pytest.mark.parametrize(
    ("ms", "words"),
    [([100.0, 100.0, 300.0], "at most 300 ms: met"), ([90.0, 101.0, 102.0], "ms: MISSED")],
)
def test_a_scrape_is_held_to_its_goal_by_the_median(ms: list[float], words: str) -> None:
    (line,) = (
        line
        for line in document("here", [replace(SQLITE, fresh_ms=ms)]).splitlines()
        if line.startswith("| a scrape that reads all windows")
    )
    assert words in line
