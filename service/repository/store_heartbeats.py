"""When the processes that work behind the web processes have last done so, for all to read."""

from dataclasses import asdict, dataclass

import sqlalchemy as sa

from service.repository.remote.status import Status, status_of
from service.repository.store_tables import heartbeats

CONTROLLER = "controller"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When a process began, and when it last did all that it does in a turn; seconds since 1970.

    `mirror` is how it mirrors the repository; none where that is a folder.
    """

    started_at: float
    stepped_at: float
    mirror: Status | None = None


class HeartbeatStore:
    """One row for each kind of process of one repository."""

    def __init__(self, engine: sa.Engine, repository: str) -> None:
        self._engine = engine
        self._repository = repository

    def write(self, process: str, heartbeat: Heartbeat) -> None:
        """Replace what was told before."""
        values = {
            "started_at": heartbeat.started_at,
            "stepped_at": heartbeat.stepped_at,
            "mirror": None if heartbeat.mirror is None else asdict(heartbeat.mirror),
        }
        with self._engine.begin() as connection:
            changed = sa.update(heartbeats).where(*self._is(process)).values(values)
            if connection.execute(changed).rowcount == 0:
                key = {"repository": self._repository, "process": process}
                connection.execute(sa.insert(heartbeats), {**key, **values})

    def read(self, process: str) -> Heartbeat | None:
        """What was told last; none if there never was such a process."""
        query = sa.select(heartbeats).where(*self._is(process))
        with self._engine.connect() as connection:
            record = connection.execute(query).first()
        if record is None:
            return None
        return Heartbeat(record.started_at, record.stepped_at, status_of(record.mirror))

    def _is(self, process: str) -> tuple[sa.ColumnElement[bool], ...]:
        return heartbeats.c.repository == self._repository, heartbeats.c.process == process
