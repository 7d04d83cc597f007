"""The trial of a candidate: it and the champion answer the same rows, and the gate judges.

What was measured is a plain record, so that a later attempt of the job gives the same verdict.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.base.strict_json import Json
from service.jobs.attempt import Attempt
from service.quality.evaluation import Evaluated
from service.quality.keras_losses import Loss
from service.quality.store_evaluations import StoredEvaluation
from service.recipe.gate import Gate
from service.training.data.rows import Rows
from service.training.inference import Inference, latency_ratio, run_rows
from service.training.judging.answers import Question, evaluate_answers
from service.training.judging.gate import Evidence, judge
from service.training.judging.verdict import Verdict

CANDIDATE = 0  # its number until it is published
MAX_CONFUSION = 200  # classes; of more the matrix isn't kept
HELD_OUT = "test"
LIVE = "feedback"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A version that takes part, loaded."""

    version: int
    inference: Inference
    question: Question


@dataclass(frozen=True, slots=True)
class Measured:
    """What one version came to on one set of rows."""

    version: int
    dataset: str
    data_sha256: str
    evaluated: Evaluated

    def as_json(self) -> Json:
        """A plain record; `of_record` makes an evaluation to be stored of it."""
        found = self.evaluated
        matrix = found.confusion
        is_small = matrix is not None and len(matrix) <= MAX_CONFUSION
        correct = b"" if found.correct is None else np.packbits(found.correct).tobytes()
        return {
            "version": self.version, "dataset": self.dataset, "data_sha256": self.data_sha256,
            "rows": found.rows, "scores": found.scores, "metrics": found.metrics,
            "confusion": matrix.tolist() if matrix is not None and is_small else [],
            "correct": b64encode(correct).decode(),
        }  # fmt: skip


class Trial:
    """Runs versions over rows for one attempt at a job."""

    def __init__(self, attempt: Attempt, batch_size: int, loss: Loss | None) -> None:
        self._attempt = attempt
        self._batch_size = batch_size
        self._loss = loss

    def measure(self, who: Contestant, rows: Rows, dataset: str) -> Measured:
        """One version on some rows. Raises what the attempt's `check` raises."""
        total = len(rows)

        def tell(done: int) -> None:
            self._attempt.progress(
                evaluating={"version": who.version, "dataset": dataset, "rows": total, "done": done}
            )

        outputs = run_rows(who.inference, rows.inputs, self._batch_size, self._attempt, tell)
        evaluated = evaluate_answers(who.question, np.asarray(rows.labels), outputs, self._loss)
        return Measured(who.version, dataset, rows_sha256(rows), evaluated)

    def hold(
        self,
        gate: Gate,
        candidate: Contestant,
        champion: Contestant | None,
        held_out: Rows,
        live: Rows | str,
    ) -> tuple[Verdict, list[Measured]]:
        """Both on the held-out rows and on the latest labelled predictions; then the verdict.

        For `live` stands why there are none to go by, if there aren't.
        """
        ours = self.measure(candidate, held_out, HELD_OUT)
        if champion is None:
            return judge(gate, Evidence(candidate.question.form, ours.evaluated)), [ours]
        theirs = self.measure(champion, held_out, HELD_OUT)
        measured, pair = [ours, theirs], None
        if isinstance(live, Rows):
            latest = [self.measure(who, live, LIVE) for who in (candidate, champion)]
            measured += latest
            pair = (latest[0].evaluated, latest[1].evaluated)
        evidence = Evidence(
            form=candidate.question.form,
            candidate=ours.evaluated,
            champion=theirs.evaluated,
            latency_ratio=_latency(candidate, champion, held_out),
            live=pair,
            no_live=live if isinstance(live, str) else "",
        )
        return judge(gate, evidence), measured


def are_comparable(candidate: Contestant, champion: Contestant) -> bool:
    """Whether the two take the same inputs, and answer in the same form about as many classes."""
    ours, theirs = (who.inference.compiled.signature.inputs for who in (candidate, champion))
    is_same_input = [(one.dtype, one.item_shape) for one in ours] == [
        (one.dtype, one.item_shape) for one in theirs
    ]
    return is_same_input and candidate.question.is_same(champion.question)


def rows_sha256(rows: Rows) -> str:
    """Which rows these are: their inputs and labels, in their order."""
    digest = hashlib.sha256()
    for name, values in [*sorted(rows.inputs.items()), ("labels", rows.labels)]:
        digest.update(f"{name} {values.dtype} {values.shape}\n".encode())
        if values.dtype.kind == "O":
            digest.update("\n".join(map(str, values.reshape(-1))).encode())
        else:
            digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def of_record(
    record: Mapping[str, Any], model: str, version: int, job: str, at: float
) -> StoredEvaluation:
    """The evaluation to be stored; `version` is the candidate's, now that it has one."""
    return StoredEvaluation(
        model=model,
        version=record["version"] or version,
        dataset=record["dataset"],
        data_sha256=record["data_sha256"],
        rows=record["rows"],
        job=job,
        at=at,
        scores=record["scores"],
        metrics=record["metrics"],
        confusion=tuple(tuple(row) for row in record["confusion"]),
        correct=b64decode(record["correct"]),
    )


def told(records: Sequence[Mapping[str, Any]]) -> list[Json]:
    """The records for people: without a bit for each row."""
    return [{name: value for name, value in one.items() if name != "correct"} for one in records]


def _latency(candidate: Contestant, champion: Contestant, rows: Rows) -> float | None:
    """By the same row for both, as most requests have one."""
    if not len(rows):
        return None
    row = {name: np.ascontiguousarray(values[:1]) for name, values in rows.inputs.items()}
    return latency_ratio(candidate.inference, champion.inference, row)
