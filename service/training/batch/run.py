"""Predictions for all rows of a share of files: each file is read, answered, written, published."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from service.base.durable import storing
from service.base.http_errors import Conflict
from service.base.refusals import DataRefused
from service.base.signature import Signature
from service.base.strict_json import Json
from service.data.dataset import Expected
from service.data.source import Source
from service.data.tables.chunk import Chunk
from service.data.tables.found import open_table
from service.data.tables.matching import Features, match_features
from service.data.tables.reading import Read, read_chunks
from service.data.tables.writing import Layout, TableWriter, open_writer
from service.data.wording import quoted
from service.recipe.batch import BatchOptions, Shard
from service.repository.model_config import ModelConfig
from service.training.batch.answers import Answers
from service.training.batch.output import WHERE, Done, Output
from service.training.batch.pipeline import in_order, read_ahead, written_behind
from service.training.batch.plan import Plan, Unit, make_plan
from service.training.batch.rows import Answered, RowsAnswerer
from service.training.inference import Inference

BATCH_BYTES = 8 * 1024 * 1024
MOST_ROWS, FREE_ROWS = 8192, 256
# What of model.yaml shows in the columns that are added.
DECIDES = {"task", "labels", "threshold", "thresholds", "sequences"}


@dataclass(frozen=True, slots=True)
class Subject:
    """The version that predicts, and where its compiled form lies; `sha256` names its content."""

    model: str
    version: int
    sha256: str
    folder: Path
    config: ModelConfig


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What is to be done: `token` tells this attempt from others, `run` one run from another. No
    link among the files that are read leads out of `within`.
    """

    source: Path
    target: Path
    options: BatchOptions
    token: str
    run: str = ""
    fresh: bool = False
    shard: Shard | None = None
    threads: int = 1
    within: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a share is; `bytes` are those of the files that are read. `is_complete` says, once it
    has ended, that all others have as well.
    """

    rows: int = 0
    errors: int = 0
    files: int = 0
    files_total: int = 0
    bytes: int = 0
    bytes_total: int = 0
    file: str = ""
    is_complete: bool = False


class Watcher(Protocol):
    """Who hears of progress, and may end it."""

    def check(self) -> None:
        """Before a file is published: raises why it may not be."""

    def tell(self, progress: Progress) -> None:
        """After each chunk; raises where it is to end."""

    def finished(self, unit: str, rows: int, errors: int) -> None:
        """A file is there."""


def run_batch(order: BatchOrder, subject: Subject, watcher: Watcher) -> Progress:
    """Do it, going on where an earlier attempt at the same run has ended; what it came to.

    Raises DataRefused, Conflict, StorageFull, ArtefactCorrupt, and what the watcher raises.
    """
    plan = make_plan(order.source, order.target, order.options, order.shard, order.within)
    output = Output(plan, order.shard, order.token)
    finished = output.begin(_header(order, subject, plan), order.fresh)
    progress = _begun(output.share, finished)
    watcher.tell(progress)
    left = [unit for unit in output.share if unit.output not in finished]
    if left:
        with Inference(subject.folder, order.threads) as inference:
            files = FilePredictor(order, subject, inference)
            for unit in left:
                rows, errors = files.predict(
                    unit, output.part(unit), _told(progress, watcher, unit)
                )
                output.publish(unit, rows, errors, watcher.check)
                progress = replace(
                    progress, rows=progress.rows + rows, errors=progress.errors + errors,
                    files=progress.files + 1, bytes=progress.bytes + unit.weight, file=unit.output,
                )  # fmt: skip
                watcher.finished(unit.output, rows, errors)
                watcher.tell(progress)
    is_complete = output.end()
    if not is_complete and order.shard is None:
        wrong = "isn't complete: files in it were removed, or another run has begun there"
        raise Conflict(f"{order.target.name} {wrong}")
    return replace(progress, is_complete=is_complete)


def _header(order: BatchOrder, subject: Subject, plan: Plan) -> Json:
    """What a run is of: with anything else in it, it is another run."""
    return {
        "input": plan.source, "model": subject.model, "version": subject.version,
        "sha256": subject.sha256,
        "decides": subject.config.model_dump(mode="json", include=DECIDES),
        "parts": plan.parts, "run": order.run,
        "options": order.options.model_dump(mode="json"),
    }  # fmt: skip


Tell = Callable[[int, int, float], None]


def _begun(share: Sequence[Unit], finished: Mapping[str, Done]) -> Progress:
    """How far earlier attempts have come."""
    done = [(unit, finished[unit.output]) for unit in share if unit.output in finished]
    return Progress(
        rows=sum(one.rows for _, one in done),
        errors=sum(one.errors for _, one in done),
        files=len(done),
        files_total=len(share),
        bytes=sum(unit.weight for unit, _ in done),
        bytes_total=sum(unit.weight for unit in share),
    )


def _told(before: Progress, watcher: Watcher, unit: Unit) -> Tell:
    """Progress within a file, added to that of the files before it."""

    def tell(rows: int, errors: int, part: float) -> None:
        watcher.tell(
            replace(
                before, rows=before.rows + rows, errors=before.errors + errors,
                bytes=before.bytes + int(unit.weight * part), file=unit.output,
            )
        )  # fmt: skip

    return tell


class FilePredictor:
    """Predicts file after file with one loaded version."""

    def __init__(self, order: BatchOrder, subject: Subject, inference: Inference) -> None:
        self._options = order.options
        self._inference = inference
        signature = inference.compiled.signature
        self._answers = Answers(
            subject.config, signature, subject.version, order.options.label_names
        )
        self._expected = Expected(signature, None, sequences=subject.config.sequences)
        self._rows = batch_rows(signature, order.options.batch_rows)
        is_onnx = inference.compiled.runtime == "onnx"
        self._threads = max(order.threads, 1) if is_onnx else 1  # TensorFlow has threads of its own

    def predict(self, unit: Unit, part: Path, tell: Tell) -> tuple[int, int]:
        """Write a file's rows with their predictions; how many there are, and how many have none.

        Raises DataRefused, StorageFull, Conflict.
        """
        kind, source = open_table(unit.table)
        with source.stream:
            _check_unchanged(unit, source)
            reading = read_chunks(kind, source, self._rows, unit.span)
            with storing(WHERE), read_ahead(reading) as chunks:
                return self._answer(unit, part, chunks, tell)

    def _answer(self, unit: Unit, part: Path, chunks: Any, tell: Tell) -> tuple[int, int]:
        first: Read = next(chunks)
        features = match_features(first.chunk, self._options.columns, self._expected)
        writer = open_writer(unit.kind, part, self._layout(first.chunk, features))
        answerer = RowsAnswerer(self._inference, features, self._answers, self._options.skip_bad)

        def answer(read: Read) -> tuple[Answered, float]:
            return answerer.answer(read.chunk), read.part

        try:
            counts = self._write(
                writer, in_order(_chain(first, chunks), answer, self._threads), tell
            )
            writer.close()
        except BaseException:
            with suppress(Exception):
                writer.close()
            part.unlink(missing_ok=True)
            raise
        return counts

    def _write(self, writer: TableWriter, answers: Any, tell: Tell) -> tuple[int, int]:
        rows = errors = 0
        with closing(answers), written_behind(_writes(writer)) as write:
            for answered, done in answers:
                write(answered)
                rows, errors = rows + answered.chunk.rows, errors + answered.bad
                tell(rows, errors, done)
        return rows, errors

    def _layout(self, chunk: Chunk, features: Features) -> Layout:
        """The columns of the file that is written. Raises DataRefused where names collide."""
        options = self._options
        kept = {"all": features.names, "others": features.others(), "none": ()}[options.keep]
        added = self._answers.fields(options.prefix, options.skip_bad)
        twice = next((name for name in added.names if name in kept), None)
        if twice is not None:
            wrong = f"the file has a column {quoted(twice)} already"
            cure = "a prefix for those that are added (prefix), or columns left out (keep)"
            raise chunk.source.refused("", wrong, cure)
        return Layout(kept, features.numbers, added, options.keep)


def batch_rows(signature: Signature, asked: int | None) -> int:
    """Rows that are run at once: as asked, else some megabytes; what a fixed batch is filled by."""
    fixed = signature.inputs[0].shape[0]
    rows = asked
    if rows is None:
        rows = FREE_ROWS
        if not any(None in spec.item_shape for spec in signature.inputs):
            size = sum(
                math.prod(axis or 1 for axis in spec.item_shape) * spec.numpy_dtype.itemsize
                for spec in signature.inputs
            )
            rows = min(max(BATCH_BYTES // max(size, 1), 1), MOST_ROWS)
    return rows if fixed is None else -(-rows // fixed) * fixed


def _check_unchanged(unit: Unit, source: Source) -> None:
    told = os.fstat(source.stream.fileno())
    if (told.st_size, told.st_mtime_ns) != (unit.table.bytes, unit.table.changed_ns):
        raise DataRefused(source.file, "", "has changed since the run began", "files at rest")


def _chain(first: Read, rest: Any) -> Any:
    yield first
    yield from rest


def _writes(writer: TableWriter) -> Callable[[Answered], None]:
    return lambda answered: writer.write(answered.chunk, answered.added)
