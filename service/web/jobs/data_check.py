"""Whether the rows of a request are what its model can learn from, before a job is accepted.

Files are read by a child process, which a crash doesn't hurt and which ends with the request; of
feedback only ids and labels are read, here.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.base.errors import Overloaded
from service.base.settings import MEBIBYTE, Settings
from service.data.asked import expected_rows
from service.data.checking import check_data
from service.data.dataset import DataLimits, Expected
from service.data.places import DataPlaces
from service.data.weights_file import find_weights
from service.quality.store import QualityStore
from service.recipe.data import FromFeedback, LabelledData
from service.web.jobs.subject import Subject

AT_ONCE = 2  # each holds a thread, and a child as large as its data

Json = dict[str, Any]


class DataChecks:
    """One worker's."""

    def __init__(self, settings: Settings, quality: QualityStore) -> None:
        self._settings = settings
        self._quality = quality
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def check(self, data: LabelledData, subject: Subject, held_out_rows: int = 1) -> Json:
        """The facts of the rows. Raises DataRefused with counts and places, Overloaded."""
        expected = expected_rows(
            data, subject.signature, subject.form, subject.width, subject.names,
            subject.config.sequences,
        )  # fmt: skip
        with self._one():
            if data.from_feedback is not None:
                return self._count(data.from_feedback, subject, expected)
            scratch = self._settings.run_dir.absolute() / "data-checks"
            return check_data(data, expected, self.places(subject.model), scratch, held_out_rows)

    def check_file(self, model: str, name: str) -> None:
        """Raise DataRefused for a file that isn't there."""
        find_weights(name, self.places(model))

    def places(self, model: str) -> DataPlaces:
        """Where the data files of a model lie."""
        settings = self._settings
        limits = DataLimits(max_bytes=settings.max_data_mb * MEBIBYTE)
        return DataPlaces(settings.uploads_dir.absolute() / model, settings.data_dir, limits)

    def _count(self, asked: FromFeedback, subject: Subject, expected: Expected) -> Json:
        # Imported late: a worker that is never asked has no use for Parquet.
        from service.capture.asked import choice_of
        from service.capture.feedback import LiveRows, count
        from service.capture.wanted import Wanted

        choice = choice_of(asked, time.time())
        form: Any = subject.form
        wanted = Wanted(
            subject.signature, form, subject.width, subject.names, expected.min_rows,
            expected.min_classes,
        )  # fmt: skip
        live = LiveRows(self._settings.capture_dir, self._quality, subject.model)
        found = count(live, wanted, choice)
        return {"rows": found.rows, "labelled": found.labelled, "counts": dict(found.counts)}

    @contextmanager
    def _one(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            raise Overloaded("checks of data", AT_ONCE)
        try:
            yield
        finally:
            self._free.release()
