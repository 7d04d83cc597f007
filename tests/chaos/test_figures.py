"""The table of the figures, and its place in the page."""

from pathlib import Path

import pytest

from tests.chaos.figures import BEGIN, END, figures_of, keep, table, write_page
from tests.chaos.seen import DIED, OK, Seen

SEEN = [Seen("m", 1, 2, OK), Seen("m", 1, 2, 0, why=DIED), Seen("m", 1, 2, 503)]


def test_a_row_says_how_many_failed_and_how() -> None:
    row = table([figures_of("a worker killed", SEEN, 0, 1.234, killed=3)]).splitlines()[-1]
    assert row == "| a worker killed | 3 | 2 | 1 503, 1 died | 0 | 1.2 | killed 3 |"


def test_the_page_keeps_all_around_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_page(page, [figures_of("one", SEEN, 0)])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| one | 3 |" in text


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("nothing")
    with pytest.raises(SystemExit, match="no place for the table"):
        write_page(tmp_path / "page.md", [])


def test_figures_are_kept_by_the_name_of_their_scenario(tmp_path: Path) -> None:
    keep(tmp_path / "kept", figures_of("64 open files, 200 clients", SEEN, 0))
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [
        "64-open-files-200-clients.json"
    ]
