"""gunicorn with uvicorn's worker behind our HTTP edge, configured here and run in this process."""

import asyncio
import gc
import logging
import math
import os
import queue
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from prometheus_client import multiprocess
from uvicorn_worker import UvicornWorker

from service.base.confinement import die_with_parent, narrow_memory
from service.base.graces import Graces
from service.base.log import logging_config
from service.base.metrics import HTTP_REFUSED, counts_in_files
from service.base.resident import machine_bytes
from service.base.settings import MEBIBYTE, Settings
from service.web.crowd import EdgeLimits
from service.web.draining import DrainingServer
from service.web.edge import Edge, Uploads
from service.web.ending import Ending
from service.web.installed import Installed
from service.web.master import Master
from service.web.refusal import Headers
from service.web.shares import Shares

logger = logging.getLogger(__name__)

BACKLOG = 2048
HANGS_S = 60  # a worker that says nothing for so long
ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
OTHER_FILES = 256  # what a worker opens besides its connections; it can do with fewer
LEAST_MEMORY = 4096 * MEBIBYTE  # addresses, of which a worker reserves far more than it uses
SHARED_MEMORY = Path("/dev/shm")


class Server(BaseApplication):
    """gunicorn's master; each worker puts its own parts together after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ending = Ending()
        self._installed = Installed()
        self._shares = Shares()
        super().__init__()

    def load_config(self) -> None:
        """Take over our options."""
        for key, value in _options(self._settings, self._ending, self._shares).items():
            self.cfg.set(key, value)
        self.cfg.set("pre_fork", _pre_fork(self._installed, self._shares))

    def run(self) -> None:
        """Be the master until a signal ends it."""
        Master(self, self._ending).run()

    def load(self) -> Any:
        """The application of one worker; imported there, so that the master stays small."""
        from service.web.front import Front
        from service.web.process import WebProcess

        return Front(WebProcess(self._settings, self._settings.workers, self._ending))


def run_web(settings: Settings) -> None:
    """Serve until SIGTERM; requests under way are finished first."""
    Server(settings).run()


def worker_class(
    edge: Edge, ending: Ending, shares: Shares, drain_s: float, end_s: float
) -> type[UvicornWorker]:
    """uvicorn on uvloop; heads, bodies, connections and their end are ours to watch over."""

    class Worker(UvicornWorker):
        slot: int | None = None
        CONFIG_KWARGS = {  # noqa: RUF012
            "loop": "uvloop",
            "http": edge,
            "ws": "none",
            "lifespan": "on",
            "access_log": False,
            "server_header": False,
            "proxy_headers": False,
            "backlog": BACKLOG,
            "timeout_graceful_shutdown": end_s,
            "callback_notify": None,  # it goes by the wall clock
        }

        async def _serve(self) -> None:
            self.config.app = self.wsgi
            edge.crowd.share = shares.of(self.slot)
            server = DrainingServer(
                self.config, edge.crowd, ending, drain_s, self.notify, self.wsgi.is_ready
            )
            self._install_sigquit_handler(server)
            await server.serve(sockets=[one.sock for one in self.sockets])
            if not server.started:
                sys.exit(Arbiter.WORKER_BOOT_ERROR)

        def _install_sigquit_handler(self, server: DrainingServer) -> None:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGQUIT, server.handle_exit, signal.SIGQUIT, None)

    return Worker


def edge_limits(settings: Settings, open_files: int) -> EdgeLimits:
    """The edge's limits; fewer connections where the platform allows fewer open files."""
    most = max(open_files - OTHER_FILES, open_files // 3, 1)
    if most < settings.max_connections:
        logger.warning("few open files are allowed", extra={"connections": most})
    return EdgeLimits(
        max_connections=min(settings.max_connections, most),
        head_timeout_s=settings.head_timeout_s,
        body_timeout_s=settings.body_timeout_s,
        max_body_bytes=settings.max_body_bytes,
    )


def raise_open_files(wanted: int) -> int:
    """Allow this process and its children so many open files, or as many as it may; how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft


def _options(settings: Settings, ending: Ending, shares: Shares) -> dict[str, Any]:
    limits = edge_limits(settings, raise_open_files(settings.max_connections + OTHER_FILES))
    edge = Edge(limits, _count_refused, _uploads(settings), _headers(settings))
    graces = Graces(settings.predict_timeout_s)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": worker_class(edge, ending, shares, settings.drain_s, graces.worker_s),
        "backlog": BACKLOG,
        "timeout": HANGS_S,
        "graceful_timeout": math.ceil(settings.drain_s + graces.web_s),
        "worker_tmp_dir": str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None,
        "control_socket_disable": True,
        "forwarder_headers": "",
        "forwarded_allow_ips": "",
        "header_map": "refuse",
        "http_protocols": "h1",
        "logconfig_dict": logging_config(settings.log_level, settings.log_format),
        "post_fork": _post_fork(worker_memory(settings)),
        "worker_exit": _worker_exit,
        "child_exit": _child_exit(shares),
        "proc_name": "kerasd",
    }


def worker_memory(settings: Settings) -> int:
    """The address space of a worker in bytes: one run must not take all the machine has."""
    share = machine_bytes() // settings.workers
    return settings.worker_memory_mb * MEBIBYTE or max(share, LEAST_MEMORY)


def _pre_fork(installed: Installed, shares: Shares) -> Callable[[Any, Any], None]:
    def check(server: Any, worker: Any) -> None:
        installed.check()
        worker.slot = shares.free(one.slot for one in server.WORKERS.values())
        gc.collect()
        gc.freeze()  # what isn't looked at in the worker stays one page for both

    return check


def _post_fork(memory: int) -> Callable[[Any, Any], None]:
    def begin(server: Any, worker: Any) -> None:
        """A worker without its master would answer with models that nobody replaces."""
        _hear_the_end(server)
        die_with_parent(worker.ppid)
        narrow_memory(memory)

    return begin


def _hear_the_end(server: Any) -> None:
    """The master's handlers, which a worker begins with, only put signals into the master's queue:
    one that ends all workers would be lost on it, and it would come up in a master that ends."""
    for number in ENDS:
        signal.signal(number, signal.SIG_DFL)
    with suppress(queue.Empty):
        while True:
            if server.SIG_QUEUE.get_nowait() in ENDS:
                os._exit(0)


def _headers(settings: Settings) -> Callable[[], Headers]:
    def make() -> Headers:
        """Imported in the worker: the master stays small."""
        from service.web.access.requirement import is_open
        from service.web.cors import answer_headers
        from service.web.security_headers import EVERYWHERE

        return (*EVERYWHERE, *(answer_headers(is_open(settings)) if settings.cors else ()))

    return make


def _uploads(settings: Settings) -> Callable[[], Uploads]:
    def make() -> Uploads:
        """Imported in the worker: the master stays small."""
        from service.web.jobs.data_intake import DataIntake
        from service.web.upload.intake import Intake
        from service.web.upload.stream import Streams

        return Streams(Intake(settings), DataIntake(settings))

    return make


def _count_refused(status: int) -> None:
    HTTP_REFUSED.labels(str(status)).inc()


def _worker_exit(_server: Any, worker: Any) -> None:
    """End a worker here: what lies below on its stack, locks and metric files, is the master's."""
    if worker.pid == os.getpid():  # the master calls it too, for one that it can't find
        ended = sys.exception()
        code = ended.code if isinstance(ended, SystemExit) else 1
        os._exit(code if isinstance(code, int) else int(code is not None))


def _child_exit(shares: Shares) -> Callable[[Any, Any], None]:
    def forget(_server: Any, worker: Any) -> None:
        """Forget a dead worker's live gauges; its counters stay, or the sums would fall."""
        shares.leave(worker.slot)
        if counts_in_files():
            multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

    return forget
