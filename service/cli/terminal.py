"""What may be shown on a terminal of texts that come from outside, and how tables are printed."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

UNBOUNDED = 1_000_000


def printable(text: object) -> str:
    """Without control characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def plain(text: object) -> str:
    """The same for what rich prints: what looks like markup is none."""
    return escape(printable(text))


def print_table(head: Iterable[object], rows: Iterable[Sequence[object]]) -> None:
    """A table of any texts, of which nothing is cut: a terminal folds what is too long for it, but
    for the first column.

    Elsewhere, as in a pipe, a row is one line however long it is.
    """
    columns = [Column(plain(name), overflow="fold") for name in head]
    columns[0].no_wrap = True  # the id or name that is copied from there
    table = Table(*columns, box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for row in rows:
        table.add_row(*map(plain, row))
    console = Console()
    if not console.is_terminal:
        console.width = UNBOUNDED
    console.print(table, highlight=False)
