"""Entry for WSGI servers: `gunicorn service.web.wsgi:app`. Parts are made at the first request."""

import threading
from collections.abc import Iterable
from typing import Any

from flask import Flask

from service.base.log import configure_logging
from service.base.settings import read_settings
from service.web.access.requirement import check_access, for_other_servers
from service.web.app import create_app
from service.web.process import WebProcess


class LateApp:
    """Puts the application together at the first request, in the worker and not at import."""

    def __init__(self) -> None:
        self._app: Flask | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """One request."""
        return self._flask()(environ, start_response)

    def _flask(self) -> Flask:
        with self._lock:
            if self._app is None:
                settings = for_other_servers(read_settings())
                check_access(settings)
                configure_logging(settings.log_level, settings.log_format)
                process = WebProcess(settings)
                process.start()
                self._app = create_app(process)
            return self._app


app = LateApp()
