"""The table about labels, with what a scrape is held to."""

from collections.abc import Callable, Sequence

from benchmarks.labels import MANY, MODELS, SENDERS, VERSIONS, WORKERS, Labels, spread
from benchmarks.report import table

SCRAPE_MS = 100.0
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def document(where: str, found: Sequence[Labels]) -> str:
    """All of it, as Markdown: a column for each database."""
    rows = found[0].rows
    scraped = f"{MODELS} models, {len(VERSIONS)} versions each, {WORKERS} workers"
    told: list[tuple[str, Callable[[Labels], str]]] = [
        (f"labels a second, {MANY} a request", lambda one: f"{one.many_per_s:.0f}"),
        ("labels a second, one a request", lambda one: f"{one.ones_per_s:.0f}"),
        ("a request with one label", lambda one: _ms(one.one_ms)),
        ("the database before", lambda one: f"{one.before / 1e6:.2f} MB"),
        (f"with {rows} labels", lambda one: f"{one.after / 1e6:.1f} MB"),
        ("a label", lambda one: f"{one.row_bytes:.0f} bytes"),
        (f"series of a scrape: {scraped}", lambda one: f"{one.series}"),
        ("size of a scrape", lambda one: f"{one.scrape_bytes / 1000:.0f} kB"),
        ("a scrape, windows read within 5 s", lambda one: _judged(one.scrape_ms)),
        ("a scrape that reads all windows", lambda one: _judged(one.fresh_ms)),
        ("cores that others used meanwhile", lambda one: f"{one.others_cores:.2f}"),
    ]
    columns = ("what", *(NAMES[one.database] for one in found))
    lines = [(what, *(tell(one) for one in found)) for what, tell in told]
    goal = f"The goal of a scrape is {SCRAPE_MS:.0f} ms; {SENDERS} clients send labels."
    return f"{where}\n\n{table(columns, lines)}\n\n{goal}\n"


def _ms(ms: Sequence[float]) -> str:
    half, most = spread(ms)
    return f"median {half:.1f} ms, at most {most:.0f} ms"


def _judged(ms: Sequence[float]) -> str:
    return f"{_ms(ms)}: {'met' if spread(ms)[0] <= SCRAPE_MS else 'MISSED'}"
