"""Whether the rows of a request are what its model can learn from, before a job is accepted.

Files are read by a child process, which a crash doesn't hurt and which ends with the request; of
feedback ids and labels are read, here, and inputs only where these may be none to learn from.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.base.errors import Overloaded
from service.base.refusals import DataRefused
from service.base.settings import MEBIBYTE, Settings
from service.base.strict_json import Json
from service.data.asked import expected_rows
from service.data.checking import check_data
from service.data.dataset import DataLimits, Expected
from service.data.places import DataPlaces
from service.data.shelf import Shelf
from service.data.splitting import most_held_out
from service.data.weights_file import find_weights
from service.jobs.job import JobOrder
from service.jobs.named import texts_in
from service.quality.store import QualityStore
from service.recipe.data import DataRequest, LabelledData, Split
from service.web.jobs.subject import Subject

AT_ONCE = 2  # each holds a thread, and a child as large as its data

NAME = "the request"


class DataChecks:
    """One worker's."""

    def __init__(self, settings: Settings, quality: QualityStore) -> None:
        self._settings = settings
        self._quality = quality
        self._shelf = Shelf(settings.uploads_dir)
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def check(self, data: LabelledData, subject: Subject, held_out_rows: int = 1) -> Json:
        """The facts of the rows. Raises DataRefused with counts and places, Overloaded."""
        expected = expected_rows(
            data, subject.signature, subject.form, subject.width, subject.names,
            subject.config.sequences,
        )  # fmt: skip
        with self._one():
            if data.from_feedback is not None:
                return self._count(data, subject, expected, held_out_rows)
            scratch = self._settings.run_dir.absolute() / "data-checks"
            return check_data(data, expected, self.places(subject.model), scratch, held_out_rows)

    def check_file(self, model: str, name: str) -> None:
        """Raise DataRefused for a file that isn't there."""
        find_weights(name, self.places(model))

    def use(self, order: JobOrder) -> None:
        """Note that the files that a job would name are used, before they are looked at: else one
        could be deleted for its age between the look and the job.
        """
        self._shelf.use(order.model, texts_in(order.request))

    def places(self, model: str) -> DataPlaces:
        """Where the data files of a model lie."""
        settings = self._settings
        limits = DataLimits(max_bytes=settings.max_data_mb * MEBIBYTE)
        return DataPlaces(settings.uploads_dir.absolute() / model, settings.data_dir, limits)

    def _count(
        self, data: LabelledData, subject: Subject, expected: Expected, held_out_rows: int
    ) -> Json:
        # Imported late: a worker that is never asked has no use for Parquet.
        from service.capture.asked import choice_of
        from service.capture.feedback import LiveRows, count
        from service.capture.wanted import Wanted

        assert data.from_feedback is not None
        split = data.split if isinstance(data, DataRequest) else None
        if split is not None and split.by == "stratified" and subject.form != "classes":
            wrong = "a stratified split needs one class a row"
            raise DataRefused(NAME, "data.split", wrong, "hash, or time")
        choice = choice_of(data.from_feedback, time.time())
        form: Any = subject.form
        wanted = Wanted(
            subject.signature, form, subject.width, subject.names, expected.min_rows,
            expected.min_classes, frozenset(expected.lengths),
            # Else no such input has been answered, and reading them all would be for nothing.
            is_finite=split is not None and subject.config.allow_non_finite,
        )  # fmt: skip
        live = LiveRows(self._settings.capture_dir, self._quality, subject.model)
        found = count(live, wanted, choice)
        told: Json = {"rows": found.rows, "labelled": found.labelled, "counts": dict(found.counts)}
        if split is not None:
            most = most_held_out(split, found.rows, found.counts.values())
            told["warnings"] = check_held_out(live.name, split, found.rows, most, held_out_rows)
        return told

    @contextmanager
    def _one(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            raise Overloaded("checks of data", AT_ONCE)
        try:
            yield
        finally:
            self._free.release()


def check_held_out(name: str, split: Split, rows: int, most: int, least: int) -> list[str]:
    """Warnings. Raises DataRefused where the gate has too few rows whichever they will be.

    Of so many rows at most `most` are held out; by hash about the share of them.
    """
    share = f"split.held_out {split.held_out:g}, by {split.by}"
    if most < least:
        wrong = f"of {rows} rows {most} can be held out ({share})"
        wanted = f"at least {least} (gate.min_rows): more rows, a larger share, or a lower gate"
        raise DataRefused(name, "data.split", wrong, wanted)
    about = round(split.held_out * rows)
    if about >= least:
        return []
    return [f"about {about} of {rows} rows will be held out ({share}); the gate wants {least}"]
