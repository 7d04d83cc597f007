"""The results as a table by family, for people and for the documents."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.attacks.case import Case
from tests.attacks.trial import Result

BEGIN, END = "<!-- attacks:begin -->", "<!-- attacks:end -->"
COLUMNS = (
    "family", "files", "refused unopened", "refused by inspection", "refused while compiling",
    "ended by a limit", "accepted", "wrong", "slowest", "most memory",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """A case, what happened, and what was wrong with that."""

    case: Case
    result: Result
    wrong: tuple[str, ...]


def tables(judged: list[Judged]) -> str:
    """The results in Markdown: model files, then data files."""
    models = [item for item in judged if item.case.is_model]
    data = [item for item in judged if not item.case.is_model]
    parts = {"Model files": models, "Data files": data}
    return "\n\n".join(f"{name}:\n\n{_table(items)}" for name, items in parts.items() if items)


def write_tables(document: Path, text: str) -> None:
    """Put the tables between their two marks in a document."""
    before, rest = document.read_text().split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    document.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def _table(judged: list[Judged]) -> str:
    """A line a family and one for all."""
    families: Mapping[str, list[Judged]] = defaultdict(list)
    for item in judged:
        families[item.case.family].append(item)
    lines = [COLUMNS, tuple("---" if column == "family" else "--:" for column in COLUMNS)]
    lines += [_line(family, families[family]) for family in sorted(families)]
    lines.append(_line("**all**", judged))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(name: str, items: list[Judged]) -> tuple[str, ...]:
    ends = [item.result.end for item in items]
    limited = ends.count("killed") + ends.count("crashed")
    counts = [
        len(items),
        ends.count("unopened"),
        ends.count("inspection"),
        ends.count("compiling"),
        limited,
    ]
    counts += [ends.count("accepted"), sum(bool(item.wrong) for item in items)]
    slowest = max((item.result.seconds for item in items), default=0.0)
    largest = max((item.result.peak_mib for item in items), default=0)
    return (name, *map(str, counts), f"{slowest:.1f} s", f"{largest} MiB")
