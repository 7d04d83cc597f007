"""A ledger is written into the tables of sums."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from service.quality.ledger import Cell, Ledger
from service.quality.outcomes import Outcome
from service.quality.predicted import Kind, Shape
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
    prediction_scores,
)
from service.quality.store_upsert import add
from service.quality.sums import NONE, sum_up
from service.quality.windows import HOUR


def write_ledger(connection: sa.Connection, ledger: Ledger) -> None:
    """Add all that the ledger has to the sums; the rows are written already."""
    now = Counter[tuple[int, Cell]]()
    for (scored, _, cell), rows in ledger.cells.items():
        now[scored, cell] += rows
    add(connection, feedback_counts, [
        {"scored": key[0], "true_class": key[1][0], "predicted_class": key[1][1],
         "first": ledger.firsts[key], "now": now[key]}
        for key in ledger.firsts.keys() | now.keys()
    ])  # fmt: skip
    add(connection, feedback_hours, [
        {"scored": scored, "hour": hour, "true_class": true, "predicted_class": predicted,
         "rows": rows}
        for (scored, hour, (true, predicted)), rows in ledger.cells.items() if rows
    ])  # fmt: skip
    add(connection, feedback_delays, [
        {"scored": scored, "bucket": bucket, "rows": delays.rows, "seconds": delays.seconds}
        for (scored, bucket), delays in ledger.delays.items()
    ])  # fmt: skip
    add(connection, prediction_hours, [
        {"scored": scored, "hour": hour, "predicted": 0, "labelled": rows}
        for (scored, hour), rows in ledger.labelled.items()
    ])  # fmt: skip
    add(connection, feedback_corrections, [
        {"scored": scored, "rows": rows} for scored, rows in ledger.corrections.items() if rows
    ])  # fmt: skip
    add(connection, prediction_scores, [
        {"scored": scored, "hour": hour, "bin": place, "predicted": 0, "labelled": sums.labelled,
         "correct": sums.correct, "steps": sums.steps}
        for (scored, hour, place), sums in ledger.scores.items() if sums.is_any
    ])  # fmt: skip
    _write_sums(connection, ledger)


def count_outcomes(
    connection: sa.Connection, repository: str, model: str, outcomes: Mapping[Outcome, int]
) -> None:
    """Count rows by what became of them."""
    ours = {"repository": repository, "model": model}
    add(connection, feedback_outcomes, [
        {**ours, "outcome": outcome.value, "rows": rows} for outcome, rows in outcomes.items()
    ])  # fmt: skip


def _write_sums(connection: sa.Connection, ledger: Ledger) -> None:
    add(connection, feedback_first_sums, [
        {"scored": scored, **sum_up(pairs.shape, pairs.truths, pairs.predicted)}
        for scored, pairs in ledger.first_pairs.items()
    ])  # fmt: skip
    add(connection, feedback_sums, [
        {"scored": scored, "hour": hour, **sum_up(pairs.shape, pairs.truths, pairs.predicted)}
        for (scored, hour), pairs in ledger.pairs.items() if (scored, hour) not in ledger.stale
    ])  # fmt: skip
    for (scored, hour), shape in sorted(ledger.stale.items(), key=lambda item: item[0]):
        _sum_anew(connection, scored, hour, shape)


def _sum_anew(connection: sa.Connection, scored: int, hour: int, shape: Shape) -> None:
    """Make the sums of an hour from its rows: a sum of floats can't be corrected."""
    since = hour * HOUR
    truths, predicted = read_pairs(connection, scored, shape, (since, since + HOUR))
    record = sum_up(shape, truths, predicted) if truths else dict(NONE)
    ours = (feedback_sums.c.scored == scored, feedback_sums.c.hour == hour)
    connection.execute(sa.delete(feedback_sums).where(*ours))
    connection.execute(sa.insert(feedback_sums), {"scored": scored, "hour": hour, **record})


def read_pairs(
    connection: sa.Connection, scored: int, shape: Shape, span: tuple[int, int]
) -> tuple[list[bytes], list[bytes]]:
    """True and predicted bytes of the rows of a version in a span, if they are of this shape."""
    query = sa.select(feedback.c.true_content, feedback.c.predicted_content).where(
        feedback.c.scored == scored,
        feedback.c.predicted_at >= span[0],
        feedback.c.predicted_at < span[1],
        feedback.c.true_content.is_not(None),
    )
    found: list[Any] = [
        pair for pair in connection.execute(query) if len(pair[1]) == shape.row_bytes
    ]
    size = 2 * shape.row_bytes if shape.kind is Kind.VALUES else shape.row_bytes
    fitting = [(true, predicted) for true, predicted in found if len(true) == size]
    return [true for true, _ in fitting], [predicted for _, predicted in fitting]
