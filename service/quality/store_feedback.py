"""Labels are kept, each once, and counted in the same transaction: both are there or neither is.

Who holds the row of a version is alone with its feedback. A label that comes again changes nothing,
so that whoever got no answer may send everything once more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from service.base.database import durable
from service.quality.feedback import Labelled
from service.quality.ledger import Ledger, RowKey, Said, gather
from service.quality.outcomes import Outcome
from service.quality.predicted import Answer
from service.quality.store_entries import count_outcomes, write_ledger
from service.quality.store_forgotten import forgotten_among, hold
from service.quality.store_tables import feedback
from service.quality.store_upsert import Insert, upsert
from service.quality.store_versions import ScoredVersions

TRANSACTION_ROWS = 5000  # some 100 ms, for which other writers wait

Stored = tuple[int, int, bytes, int]  # the key of a row in the table


class FeedbackStore(ScoredVersions):
    """The writing half of feedback."""

    def record_feedback(self, model: str, rows: Sequence[Labelled], at: int) -> list[Outcome]:
        """Keep the labels of rows of a model; what became of each, in their order.

        `at` is now, in milliseconds. What was kept is on the disk when this returns. If it raises,
        the first thousands of rows may be kept and the others aren't; to send all of them once
        more is right in any case.
        """
        outcomes: list[Outcome] = []
        for start in range(0, len(rows), TRANSACTION_ROWS):
            some = rows[start : start + TRANSACTION_ROWS]
            with durable(self._engine) as connection:
                outcomes += self._record(connection, model, some, at)
        return outcomes

    def count_refused(self, model: str, outcomes: Mapping[Outcome, int]) -> None:
        """Count rows that never became labelled rows, by the reason."""
        if not outcomes:
            return
        with self._engine.begin() as connection:
            count_outcomes(connection, self._repository, model, outcomes)

    def _record(
        self, connection: sa.Connection, model: str, rows: Sequence[Labelled], at: int
    ) -> list[Outcome]:
        shapes = {row.prediction.version: row.prediction.shape for row in rows}
        hold(connection)
        locked = self._lock(connection, model, shapes)
        scored = {version: one.id for version, one in locked.items()}
        said = gather(rows)
        ledger = Ledger(at)
        gone = forgotten_among(connection, (key[2] for key in said))
        for key in list(said):
            if key[1] < locked[key[0]].kept_since:
                ledger.refuse(said.pop(key), Outcome.EXPIRED)
            elif key[2] in gone:
                ledger.refuse(said.pop(key), Outcome.UNKNOWN_ID)
        before = _write(connection, scored, said, at)
        for key, one in said.items():
            number = scored[key[0]]
            # A row that the database didn't touch had the last of these labels before.
            old = before.get((number, *key[1:]), one.truths[-1])
            ledger.enter(number, one, old)
        outcomes = ledger.in_order(len(rows))
        write_ledger(connection, ledger)
        count_outcomes(connection, self._repository, model, Counter(outcomes))
        return outcomes


def _write(
    connection: sa.Connection,
    scored: Mapping[int, int],
    said: Mapping[RowKey, Said],
    at: int,
) -> dict[Stored, Answer | None]:
    """Insert the rows, or put the new labels into those that are there; what was there before.

    None for a row that is new; nothing for one that had the same label already.
    """
    # In the order of the table, so that its pages are met one after the other.
    records = [_record(scored[key[0]], said[key], at) for key in sorted(said)]
    found = upsert(connection, feedback, records, _correcting)
    return {
        (row.scored, row.predicted_at, row.prediction, row.row): (
            row.replaced_content if row.replaced_class is None else row.replaced_class
        )
        for row in found
    }


def _correcting(insert: Insert, _table: sa.Table) -> Any:
    """Another label replaces the one that is there, and the answer tells which that was."""
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=list(feedback.primary_key.columns),
        set_={
            "labelled_at": new.labelled_at,
            "corrections": feedback.c.corrections + 1,
            "replaced_class": feedback.c.true_class,
            "true_class": new.true_class,
            "replaced_content": feedback.c.true_content,
            "true_content": new.true_content,
        },
        where=sa.or_(
            feedback.c.true_class.is_distinct_from(new.true_class),
            feedback.c.true_content.is_distinct_from(new.true_content),
        ),
    ).returning(
        *feedback.primary_key.columns, feedback.c.replaced_class, feedback.c.replaced_content
    )


def _record(scored: int, said: Said, at: int) -> dict[str, object]:
    truth, predicted = said.truths[-1], said.predicted
    is_class = isinstance(truth, int)
    return {
        "scored": scored,
        "predicted_at": said.prediction.at,
        "prediction": said.prediction.id,
        "row": said.row,
        "labelled_at": at,
        "corrections": 0,
        "score": said.score,
        "predicted_class": predicted if is_class else None,
        "true_class": truth if is_class else None,
        "replaced_class": None,
        "predicted_content": None if is_class else predicted,
        "true_content": None if is_class else truth,
        "replaced_content": None,
    }
