"""gunicorn with uvicorn's worker, configured in one place and run in this process."""

import os
from pathlib import Path
from typing import Any, ClassVar

from gunicorn.app.base import BaseApplication
from prometheus_client import multiprocess
from uvicorn_worker import UvicornWorker

from service.base.confinement import die_with_parent
from service.base.log import logging_config
from service.base.metrics import counts_in_files
from service.base.settings import Settings

BACKLOG = 2048
KEEP_ALIVE_S = 75
GRACE_S = 30
SHARED_MEMORY = Path("/dev/shm")


class Worker(UvicornWorker):
    """uvicorn on uvloop and httptools; proxy headers are nobody's to forge here."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "backlog": BACKLOG,
    }


class Server(BaseApplication):
    """gunicorn's master; each worker puts its own parts together after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Take over our options."""
        for key, value in _options(self._settings).items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """The application of one worker; imported there, so that the master stays small."""
        from service.web.front import Front
        from service.web.process import WebProcess

        return Front(WebProcess(self._settings))


def run_web(settings: Settings) -> None:
    """Serve until SIGTERM; requests under way are finished first."""
    Server(settings).run()


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": Worker,
        "backlog": BACKLOG,
        "keepalive": KEEP_ALIVE_S,
        "timeout": 60,
        "graceful_timeout": GRACE_S,
        "worker_tmp_dir": str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None,
        "control_socket_disable": True,
        "forwarder_headers": "",
        "forwarded_allow_ips": "",
        "logconfig_dict": logging_config(settings.log_level, settings.log_format),
        "post_fork": _post_fork,
        "child_exit": _child_exit,
        "proc_name": "kerasd",
    }


def _post_fork(_server: Any, worker: Any) -> None:
    """A worker without its master would answer with models that nobody replaces."""
    die_with_parent(worker.ppid)


def _child_exit(_server: Any, worker: Any) -> None:
    """Forget a dead worker's live gauges; its counters stay, or the sums would fall."""
    if counts_in_files():
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
