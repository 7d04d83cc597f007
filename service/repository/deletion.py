"""Deletion of a version over HTTP: never one that answers, may answer again soon, or just did."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from service.base.http_errors import Conflict
from service.repository.audit import AuditEntry, Order
from service.repository.policy import settle
from service.repository.published import digest_of
from service.repository.publishing import check_removable, check_writable, remove_version
from service.repository.retirement import Use, why_kept
from service.repository.route import Route
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deletions:
    """Deletes versions of one repository; `tell` has every process look."""

    store: VersionStore
    repository: Path
    keep_days: float
    tell: Callable[[], object]
    wall_clock: Callable[[], float] = time.time

    def delete(self, model: str, version: int, order: Order, is_forced: bool = False) -> None:
        """Retire the version for good, then remove its files.

        Raises ModelNotFound, or Conflict that says why it has to stay; with `is_forced` it goes
        though it answered lately. Whatever fails later, it is not served again.
        """
        root = check_writable(self.repository, model)
        check_removable(root, model, version)
        digest = digest_of(root / model / str(version))
        at = self.wall_clock()

        def edit(route: Route) -> Route:
            self._check(route, version, at, is_forced)
            return replace(route, retired=(*(v for v in route.retired if v != version), version))

        def entry(_before: Route, _after: Route) -> AuditEntry:
            was = {"version": version, "sha256": digest}
            return AuditEntry(at, model, "delete", order.who, order.why, order.request_id, was)

        self.store.change(model, edit, entry)
        self.tell()
        remove_version(root, model, version)
        names = {"model": model, "version": version, "who": order.who, "why": order.why}
        logger.info("version deleted", extra=names)

    def _check(self, route: Route, version: int, at: float, is_forced: bool) -> None:
        rows = settle(self.store.rows(route.model), {route.model: route})
        why = why_kept(rows, route, version)
        if not why and not is_forced:
            last = {v: when for (m, v), when in self.store.used().items() if m == route.model}
            why = Use(last, self.keep_days, at).why_kept(version)
            why = f"{why} (keep_days); ?force=true deletes it nevertheless" if why else ""
        if why:
            raise Conflict(f"Version {version} of model {route.model} is not deleted: {why}")
