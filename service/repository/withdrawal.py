"""The second look before a version that nobody used lately is let go.

When workers answered last is recorded once a minute, and before a worker reports that it follows
another route. So what is recorded once all of them follow is all there is: of a worker that was
killed, all but its last minute.
"""

from dataclasses import replace

from service.base.http_errors import Conflict
from service.repository.audit import Order
from service.repository.changes import Change
from service.repository.consent import Moment
from service.repository.retirement import Use
from service.repository.route import Route
from service.repository.store import VersionStore
from service.repository.swap import Swaps


def check_still_unused(
    store: VersionStore, swaps: Swaps, change: Change, version: int, use: Use, order: Order
) -> None:
    """Undo the change that has just retired a version if it was used after all.

    Called when every worker follows the change. Raises Conflict.
    """
    model = change.after.model
    why = use.anew(model, store.used()).why_kept(version)
    if not why:
        return

    def restored(now: Moment) -> Route:
        left = tuple(other for other in now.route.retired if other != version)
        return replace(now.route, retired=left)

    if version not in change.before.retired:
        swaps.change(model, order, "restore", restored)
    raise Conflict(f"Version {version} of model '{model}' has to stay: {why}")
