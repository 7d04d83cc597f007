"""What the feedback of one repository comes to: by span of time, and as counters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from service.base.database import snapshot
from service.quality.ledger import DELAY_BOUNDS_S
from service.quality.outcomes import Outcome
from service.quality.predicted import Kind
from service.quality.reading import Counters, Reading, VersionCounters
from service.quality.store_entries import read_pairs
from service.quality.store_tables import (
    feedback,
    feedback_corrections,
    feedback_counts,
    feedback_delays,
    feedback_first_sums,
    feedback_hours,
    feedback_outcomes,
    feedback_sums,
    prediction_hours,
)
from service.quality.store_versions import ScoredVersion, ScoredVersions
from service.quality.sums import NONE, cells_of, sum_up
from service.quality.windows import Span

EVERYTHING = Span()
SUMMED = (Kind.VALUES, Kind.SETS)
Cells = dict[tuple[int, int], int]
Sums = dict[str, int | float]


class ReadingStore(ScoredVersions):
    """The reading half of feedback."""

    def readings(self, span: Span = EVERYTHING, model: str = "") -> list[Reading]:
        """What the labels of predictions of a span come to, by version, corrections included.

        Where rows have been pruned, a span may begin or end only at a full hour.
        """
        return self.readings_of((span,), model)[0]

    def readings_of(self, spans: Sequence[Span], model: str = "") -> list[list[Reading]]:
        """The same of several spans, all as they are at one moment."""
        with snapshot(self._engine) as connection:
            known = self._known(connection, model)
            return [_read(connection, known, span) for span in spans]

    def reading(self, model: str, version: int, span: Span = EVERYTHING) -> Reading | None:
        """That of one version; none if nothing is known of it."""
        return next((one for one in self.readings(span, model) if one.version == version), None)

    def matrix(self, model: str, version: int, span: Span = EVERYTHING) -> np.ndarray:
        """A version's confusion matrix; without classes if nothing is known of it."""
        found = self.reading(model, version, span)
        return np.zeros((0, 0), np.int64) if found is None else found.matrix()

    def counters(self) -> Counters:
        """What was counted since the database was made: each row as it was labelled first."""
        with snapshot(self._engine) as connection:
            known = self._known(connection)
            firsts = _read_firsts(connection, known)
            delays = _read_delays(connection, known)
            corrected = {
                record.scored: record.rows
                for record in connection.execute(_of(feedback_corrections, known))
            }
            outcomes = self._read_outcomes(connection)
        versions = tuple(
            VersionCounters(firsts[number], *delays[number], corrected.get(number, 0))
            for number in known
        )
        return Counters(versions, outcomes)

    def _read_outcomes(self, connection: sa.Connection) -> dict[tuple[str, Outcome], int]:
        ours = feedback_outcomes.c.repository == self._repository
        records = connection.execute(sa.select(feedback_outcomes).where(ours))
        return {(record.model, Outcome(record.outcome)): record.rows for record in records}


def _of(table: sa.Table, known: Iterable[int]) -> "sa.Select[Any]":
    return sa.select(table).where(table.c.scored.in_(list(known)))


def within(column: "sa.ColumnElement[int]", since: int | None, until: int | None) -> list[Any]:
    return [
        *([] if since is None else [column >= since]),
        *([] if until is None else [column < until]),
    ]


def _read(
    connection: sa.Connection, known: Mapping[int, ScoredVersion], span: Span
) -> list[Reading]:
    cells, sums = _read_hours(connection, known, span)
    for end in span.ends:
        _add_rows(connection, known, end, (cells, sums))
    covered = _read_coverage(connection, known, span)
    return [
        Reading(one.model, one.version, one.shape, cells[number], sums[number], *covered[number])
        for number, one in known.items()
    ]


def _read_hours(
    connection: sa.Connection, known: Mapping[int, ScoredVersion], span: Span
) -> tuple[dict[int, Cells], dict[int, Sums]]:
    """The cells and the sums of the whole hours of a span."""
    cells: dict[int, Cells] = {number: {} for number in known}
    for scored, true, predicted, total in connection.execute(_cells_within(known, span)):
        if total:
            cells[scored][true, predicted] = int(total)
    sums: dict[int, Sums] = {number: dict(NONE) for number in known}
    if not any(one.shape.kind in SUMMED for one in known.values()):
        return cells, sums
    added = [sa.func.sum(feedback_sums.c[name]).label(name) for name in NONE]
    query = sa.select(feedback_sums.c.scored, *added).where(
        feedback_sums.c.scored.in_(list(known)), *within(feedback_sums.c.hour, *span.hours)
    )
    for record in connection.execute(query.group_by(feedback_sums.c.scored)).mappings():
        sums[record["scored"]] = {name: type(NONE[name])(record[name]) for name in NONE}
    return cells, sums


def _cells_within(known: Iterable[int], span: Span) -> "sa.Select[Any]":
    """Rows by version and cell; all there are in one row, others by the hour."""
    if span == EVERYTHING:
        table = feedback_counts
        columns = (table.c.scored, table.c.true_class, table.c.predicted_class, table.c.now)
        return sa.select(*columns).where(table.c.scored.in_(list(known)))
    table = feedback_hours
    key = (table.c.scored, table.c.true_class, table.c.predicted_class)
    return (
        sa.select(*key, sa.func.sum(table.c.rows))
        .where(table.c.scored.in_(list(known)), *within(table.c.hour, *span.hours))
        .group_by(*key)
    )


def _add_rows(
    connection: sa.Connection,
    known: Mapping[int, ScoredVersion],
    end: tuple[int, int],
    found: tuple[dict[int, Cells], dict[int, Sums]],
) -> None:
    """Add the rows of a part of an hour."""
    cells, sums = found
    key = (feedback.c.scored, feedback.c.true_class, feedback.c.predicted_class)
    query = (
        sa.select(*key, sa.func.count())
        .where(
            feedback.c.scored.in_(list(known)),
            *within(feedback.c.predicted_at, *end),
            feedback.c.true_class.is_not(None),
        )
        .group_by(*key)
    )
    for scored, true, predicted, rows in connection.execute(query):
        _increase(cells[scored], (true, predicted), rows)
    for number, one in known.items():
        if one.shape.kind in SUMMED:
            truths, predicted = read_pairs(connection, number, one.shape, end)
            for truth, said in zip(truths, predicted, strict=True):
                for cell in cells_of(one.shape, truth, said):
                    _increase(cells[number], cell, 1)
            if truths:
                more = sum_up(one.shape, truths, predicted)
                sums[number] = {name: sums[number][name] + more[name] for name in NONE}


def _increase(cells: Cells, cell: tuple[int, int], rows: int) -> None:
    cells[cell] = cells.get(cell, 0) + rows


def _read_coverage(
    connection: sa.Connection, known: Mapping[int, ScoredVersion], span: Span
) -> dict[int, tuple[int, int]]:
    """How many rows were predicted, and how many of these have a label."""
    table = prediction_hours
    query = (
        sa.select(table.c.scored, sa.func.sum(table.c.predicted), sa.func.sum(table.c.labelled))
        .where(table.c.scored.in_(list(known)), *within(table.c.hour, *span.touched))
        .group_by(table.c.scored)
    )
    found = dict.fromkeys(known, (0, 0))
    for scored, predicted, labelled in connection.execute(query):
        found[scored] = (int(predicted), int(labelled))
    return found


def _read_firsts(
    connection: sa.Connection, known: Mapping[int, ScoredVersion]
) -> dict[int, Reading]:
    cells: dict[int, Cells] = {number: {} for number in known}
    for record in connection.execute(_of(feedback_counts, known)):
        if record.first:
            cells[record.scored][record.true_class, record.predicted_class] = record.first
    sums: dict[int, Sums] = {number: dict(NONE) for number in known}
    for values in connection.execute(_of(feedback_first_sums, known)).mappings():
        sums[values["scored"]] = {name: values[name] for name in NONE}
    covered = _read_coverage(connection, known, EVERYTHING)
    return {
        number: Reading(
            one.model, one.version, one.shape, cells[number], sums[number], *covered[number]
        )
        for number, one in known.items()
    }


def _read_delays(
    connection: sa.Connection, known: Iterable[int]
) -> dict[int, tuple[tuple[int, ...], float]]:
    """Rows by bucket, and seconds in all."""
    rows = {number: [0] * (len(DELAY_BOUNDS_S) + 1) for number in known}
    seconds = dict.fromkeys(rows, 0.0)
    for record in connection.execute(_of(feedback_delays, rows)):
        rows[record.scored][record.bucket] = record.rows
        seconds[record.scored] += record.seconds
    return {number: (tuple(rows[number]), seconds[number]) for number in rows}
