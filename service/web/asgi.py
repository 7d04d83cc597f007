"""Entry for ASGI servers: `service.web.asgi:app`. The worker's parts are made at its start."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from service.base.log import configure_logging
from service.base.settings import read_settings
from service.web.access.requirement import check_access, for_other_servers
from service.web.front import Front
from service.web.process import WebProcess


class LateFront:
    """Puts the front together at the server's first call, in the worker and not at import."""

    def __init__(self) -> None:
        self._front: Front | None = None

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """One request, or the server's start and end."""
        if self._front is None:
            settings = for_other_servers(read_settings())
            check_access(settings)
            configure_logging(settings.log_level, settings.log_format)
            self._front = Front(WebProcess(settings))
        await self._front(scope, receive, send)


app = LateFront()
