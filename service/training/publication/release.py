"""A candidate that passed the gate becomes a version, and perhaps the current one.

Each step finds out whether it was done before, by this attempt or by an earlier one, so that a job
that begins again publishes nothing twice. The caller has asked whether the attempt may go on.
"""

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from service.base.database_errors import database_words
from service.base.errors import SwapUnfinished
from service.base.http_errors import Conflict
from service.base.refusals import TrainingRefused
from service.jobs.attempt import Attempt
from service.repository.audit import MAX_WHY, TRAINED, UNWRITTEN, AuditEntry, Order
from service.repository.manifest import Provenance
from service.repository.promotion import Promotions
from service.repository.published import content_digest
from service.repository.publishing import Parcel, Published
from service.repository.states import COMING, State
from service.training.coming import await_current, current_version, find_row, wait_while
from service.training.publication.candidate import Candidate
from service.training.workplace import Workplace

logger = logging.getLogger(__name__)

TRIES = 3


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a candidate comes from: the version before it, whose job, why, and all the rest."""

    model: str
    parent: int
    why: str
    training: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Promotion:
    """Whether the new version is current; `why` says why it isn't."""

    is_promoted: bool
    why: str = ""


class Release:
    """Publishes and promotes for one attempt at a job."""

    def __init__(
        self,
        place: Workplace,
        attempt: Attempt,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = place
        self._attempt = attempt
        self._clock = clock
        self._pause = pause
        self._promotions = Promotions(place.versions, place.tell, clock, pause)

    def publish(self, candidate: Candidate, lineage: Lineage, scratch: Path) -> Published:
        """Make a version of the candidate; of the same job there is one only.

        Raises TrainingRefused for a model that was removed meanwhile, and is not to come back by
        this, Conflict, StorageFull, RemoteAway; then nothing is published.
        """
        if not self._place.shelf.holds(lineage.model):
            raise TrainingRefused(f"model {lineage.model}", "it is no longer in the repository")
        job, rows = self._attempt.job, self._place.versions.rows(lineage.model)
        route = self._place.versions.route(lineage.model)
        provenance = Provenance(
            uploaded_by=self._who,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            why=lineage.why,
            parent=lineage.parent,
            sha256=content_digest(candidate.digests.values()),
            key=job.id,
            training=lineage.training,
        )
        parcel = Parcel(
            lineage.model,
            _copies(candidate, scratch),
            candidate.digests,
            provenance,
            used={row.version for row in rows} | set(route.retired),
            again=True,
        )
        published = self._place.shelf.publish(parcel)
        # An earlier attempt may have been killed between the two; a rollback by rule goes by it.
        was_trained = self._place.versions.was_trained
        if published.is_new or not was_trained(lineage.model, published.version):
            self._write_down(parcel, published)
        return published

    def hold(self, model: str, why: str) -> None:
        """Keep the current version so whatever the version policy says of the new one.

        Raises Conflict, SwapUnfinished, ModelNotReady; then nothing may be published that the
        policy would move.
        """
        for turn in range(TRIES):
            current = await_current(self._place, self._attempt, self._clock, self._pause)
            if current is None or self._place.versions.route(model).is_pinned:
                return
            try:
                self._promotions.promote(model, current, Order(self._who, why, "", current))
            except (Conflict, SwapUnfinished):
                if turn == TRIES - 1:
                    raise

    def promote(self, model: str, version: int, champion: int | None, why: str) -> Promotion:
        """Make the version current as soon as every worker has it.

        Not where somebody has made another one current meanwhile, and not where it can't be served:
        then the answer says why. Raises ModelNotReady, Cancelled, Superseded.
        """
        state, reason = self._wait_until_ready(model, version)
        if state is not State.READY:
            return Promotion(False, f"version {version} is {state.value}: {reason}")
        last = ""
        for _ in range(TRIES):
            self._attempt.check()
            current = await_current(self._place, self._attempt, self._clock, self._pause)
            if current not in (champion, version):
                if current is None:
                    return Promotion(False, "the model was unloaded meanwhile")
                return Promotion(False, f"version {current} was made current meanwhile")
            try:
                order = Order(self._who, _line(why), expected_current=current)
                self._promotions.promote(model, version, order)
                return Promotion(True)
            except (Conflict, SwapUnfinished) as error:
                last = str(error)
        return Promotion(current_version(self._place, model) == version, last)

    @property
    def _who(self) -> str:
        return f"job {self._attempt.job.id}"

    def _wait_until_ready(self, model: str, version: int) -> tuple[State, str]:
        """How the version stands once the controller has looked at it, or can't be waited for."""

        def look() -> tuple[State, str]:
            row = find_row(self._place, model, version)
            return (State.DISCOVERED, "") if row is None else (row.state, row.reason)

        place, attempt = self._place, self._attempt
        if wait_while(lambda: look()[0] in COMING, place, attempt, self._clock, self._pause):
            return look()
        return look()[0], "the controller has not got it ready in time"

    def _write_down(self, parcel: Parcel, published: Published) -> None:
        """Who published what; it is done, and in the manifest, whatever the database says."""
        about = parcel.provenance
        after = {"version": published.version, "sha256": about.sha256}
        fields = {"model": parcel.model, **after, "who": self._who}
        logger.info("version published", extra=fields)
        entry = AuditEntry(
            time.time(), parcel.model, TRAINED, self._who, _line(about.why), "", {}, after
        )
        try:
            self._place.versions.note(entry)
        except SQLAlchemyError as error:
            reason = database_words(error)
            logger.error("a version isn't in the audit", extra={**fields, "reason": reason})


def _copies(candidate: Candidate, scratch: Path) -> dict[str, Path]:
    """The files again: publishing moves them, and a killed attempt must not have lost them."""
    shutil.rmtree(scratch, ignore_errors=True)
    copies = {}
    for name, path in candidate.files.items():
        copies[name] = scratch / name
        copies[name].parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copies[name])
    return copies


def _line(text: str) -> str:
    """A reason as the audit takes it."""
    return UNWRITTEN.sub(" ", text)[:MAX_WHY]
