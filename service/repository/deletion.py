"""Deletion of a version over HTTP: never one that answers, may answer again soon, or just did."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.base.http_errors import Conflict
from service.repository.audit import Order
from service.repository.consent import Moment
from service.repository.retirement import IS_CURRENT, Use, why_kept
from service.repository.route import Route
from service.repository.shelf import Shelf
from service.repository.store import VersionStore
from service.repository.swap import Swaps
from service.repository.withdrawal import check_still_unused


@dataclass(frozen=True, slots=True)
class Deletions:
    """Deletes versions of one repository."""

    store: VersionStore
    swaps: Swaps
    shelf: Shelf
    keep_days: float
    wall_clock: Callable[[], float] = time.time

    def delete(self, model: str, version: int, order: Order, is_forced: bool = False) -> None:
        """Retire the version for good; when no worker serves it any more, remove its files.

        Raises ModelNotFound, or Conflict that says why it has to stay; with `is_forced` it goes
        though it answered lately. One that answers while this is decided is restored. Whatever
        fails later, such as SwapUnfinished, it is not served again, and a second call removes its
        files.
        """
        beside = {"version": version, "sha256": self.shelf.check_removable(model, version)}
        days = 0 if is_forced else self.keep_days
        use = Use.of_model(model, self.store.used(), days, self.wall_clock())

        def decide(now: Moment) -> Route:
            # Of a model that is unloaded nothing is kept for a rollback: it may be taken away.
            kept_by = replace(now.route, previous=()) if now.route.is_unloaded else now.route
            why = why_kept(now.rows, kept_by, version)
            if not why and (why := use.why_kept(version)):
                why = f"{why} (keep_days); ?force=true deletes it nevertheless"
            if why == IS_CURRENT:
                why = f"{why}; promote another one, or unload the model, then it can be deleted"
            if why:
                raise Conflict(f"Version {version} of model {model} is not deleted: {why}")
            others = (other for other in now.route.retired if other != version)
            return replace(now.route, retired=(*others, version))

        change = self.swaps.change(model, order, "delete", decide, beside)
        check_still_unused(self.store, self.swaps, change, version, use, order)
        self.shelf.remove(model, version)
