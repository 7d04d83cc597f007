"""What each scenario came to, kept as one line of JSON, and the table of them all.

python -m tests.chaos.figures FOLDER docs/chaos.md
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos.seen import Seen
from tests.chaos.verdict import failures

BEGIN, END = "<!-- figures begin -->", "<!-- figures end -->"
COLUMNS = ("scenario", "requests", "failed", "of which", "wrong", "recovered after, s", "besides")


@dataclass(frozen=True, slots=True)
class Figures:
    """One scenario; `recovered_s` is the longest of its events, none where nothing had to."""

    scenario: str
    sent: int
    failed: int
    kinds: Mapping[str, int]
    wrong: int
    recovered_s: float | None = None
    besides: Mapping[str, str] = field(default_factory=dict)


def figures_of(
    scenario: str,
    seen: Sequence[Seen],
    wrong: int,
    recovered_s: float | None = None,
    **besides: object,
) -> Figures:
    """The figures of a record of requests."""
    kinds = dict(sorted(failures(seen).items()))
    more = {name.replace("_", " "): str(value) for name, value in besides.items()}
    return Figures(scenario, len(seen), sum(kinds.values()), kinds, wrong, recovered_s, more)


def keep(folder: Path, figures: Figures) -> None:
    """Write them down for the table."""
    folder.mkdir(parents=True, exist_ok=True)
    name = figures.scenario.replace(" ", "-").replace(",", "")
    (folder / f"{name}.json").write_text(json.dumps(asdict(figures), indent=1) + "\n")


def table(found: Sequence[Figures]) -> str:
    """All scenarios as a Markdown table."""
    rows = [_row(each) for each in sorted(found, key=lambda one: one.scenario)]
    marks = ["---", "---:", "---:", "---", "---:", "---:", "---"]
    return "\n".join("| " + " | ".join(row) + " |" for row in (COLUMNS, marks, *rows))


def write_page(page: Path, found: Sequence[Figures]) -> None:
    """Put the table between the two marks of a page."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page} has no place for the table: {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{after}")


def _row(each: Figures) -> list[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in each.kinds.items())
    recovered = "-" if each.recovered_s is None else f"{each.recovered_s:.1f}"
    besides = "; ".join(f"{name} {value}" for name, value in each.besides.items())
    counts = (f"{each.sent:,}", f"{each.failed:,}", kinds or "-", str(each.wrong))
    return [each.scenario, *counts, recovered, besides]


def _read(path: Path) -> Figures:
    return Figures(**json.loads(path.read_text()))


if __name__ == "__main__":
    kept = sorted(Path(sys.argv[1]).glob("*.json"))
    write_page(Path(sys.argv[2]), [_read(path) for path in kept])
