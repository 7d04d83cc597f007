"""A received upload becomes a version: checked, published, written down, perhaps waited for."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy.exc

from service.base.database_errors import database_words
from service.base.http_errors import UploadRefused
from service.base.settings import Settings
from service.base.strict_json import Json
from service.repository.audit import AuditEntry, Order
from service.repository.consent import TIMEOUT_S
from service.repository.publishing import Parcel, Published
from service.repository.shelf import open_shelf
from service.repository.states import COMING, State
from service.repository.store import VersionStore
from service.web.upload.checking import check_config, check_files
from service.web.upload.head import UploadHead
from service.web.upload.parcels import Packing
from service.web.upload.receiver import Received

logger = logging.getLogger(__name__)

PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is answered."""

    status: int
    record: Json


class Publisher:
    """Each call blocks its thread."""

    def __init__(
        self,
        store: VersionStore,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._settings = settings
        self._shelf = open_shelf(settings)
        self._clock = clock
        self._pause = pause
        self._packing = Packing(
            store, settings.repository, partial(check_config, settings=settings)
        )

    def publish(self, head: UploadHead, received: Received, order: Order) -> Outcome:
        """Publish what came: 202 at once, 201 if waited for, 200 if it was there already.

        Raises UploadRefused, Conflict, StorageFull, RemoteAway; then nothing was published. Only a
        version that was waited for and turned out FAILED is there though UploadRefused is raised.
        """
        parcel, config = self._packing.pack(head, received, order)
        check_files(parcel.files, parcel.digests, config, self._settings)
        published = self._shelf.publish(parcel)
        if published.is_new:
            self._write_down(parcel, published, replace(order, why=parcel.provenance.why))
        state = self._wait(head, published) if head.wait else self._state(parcel, published)
        status = 200
        if published.is_new:
            status = 201 if head.wait and state is State.READY else 202
        return Outcome(status, _record(parcel, published, state))

    def _write_down(self, parcel: Parcel, published: Published, order: Order) -> None:
        """Who published what; it is done, and in the manifest, whatever the database says."""
        after = {"version": published.version, "sha256": parcel.provenance.sha256}
        fields = {"model": parcel.model, **after, "who": order.who, "why": order.why}
        logger.info("version published", extra=fields)
        entry = AuditEntry(
            time.time(), parcel.model, "upload", order.who, order.why, order.request_id, {}, after
        )
        try:
            self._store.note(entry)
        except sqlalchemy.exc.SQLAlchemyError as error:
            why = database_words(error)
            logger.error("an upload isn't in the audit", extra={**fields, "reason": why})

    def _wait(self, head: UploadHead, published: Published) -> State:
        """The state once it is READY, or after the longest wait. Raises UploadRefused."""
        give_up_at = self._clock() + TIMEOUT_S
        while True:
            state, reason = self._look(head.model, published.version)
            if state is State.FAILED:
                raise UploadRefused(
                    f"Version {published.version} of model {head.model} can't be served: {reason}"
                )
            if state not in COMING or self._clock() >= give_up_at:
                return state
            self._pause(PAUSE_S)

    def _state(self, parcel: Parcel, published: Published) -> State:
        return self._look(parcel.model, published.version)[0]

    def _look(self, model: str, version: int) -> tuple[State, str]:
        """How the published version stands; as just met where the database doesn't tell."""
        try:
            rows = self._store.rows(model)
        except sqlalchemy.exc.SQLAlchemyError as error:
            logger.warning("the database is not usable", extra={"why": database_words(error)})
            rows = []
        row = next((row for row in rows if row.version == version), None)
        return (State.DISCOVERED, "") if row is None else (row.state, row.reason)


def _record(parcel: Parcel, published: Published, state: State) -> Json:
    return {
        "model": parcel.model,
        "version": published.version,
        "state": state.value,
        "sha256": parcel.provenance.sha256,
        "files": {name: {"sha256": digest} for name, digest in sorted(parcel.digests.items())},
    }
