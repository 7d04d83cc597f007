"""The controller process: put together once, stepped until it is told to end."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from service.base.confinement import Limits
from service.base.database import migrate, open_database
from service.base.load_options import LoadOptions
from service.base.lock import hold_lock
from service.base.settings import MEBIBYTE, Settings
from service.controller.controller import Controller, ControllerLimits
from service.controller.custom_state import fingerprint
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 8 * 1024**3


def child_limits(settings: Settings) -> Limits:
    """What one compiling child process may use."""
    return Limits(
        address_space=settings.compile_memory_mb * MEBIBYTE,
        cpu_s=settings.compile_cpu_s,
        file_size=MAX_FILE_BYTES,
    )


def custom_options(settings: Settings) -> LoadOptions:
    """What the settings say of custom classes, with a fingerprint of the modules as they are."""
    return LoadOptions(
        custom_objects=settings.custom_objects,
        custom_objects_path=settings.custom_objects_path,
        custom_state=fingerprint(settings.custom_objects, settings.custom_objects_path),
    )


def run_controller(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises StateDirectoryBusy if another one is at work."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with hold_lock(settings.run_dir / "controller.lock", settings.state_dir):
        engine = open_database(settings.database)
        migrate(engine)
        controller = Controller(
            settings.repository,
            VersionStore(engine, settings.repository_key),
            settings.compiled_dir.absolute(),
            settings.run_dir.absolute(),
            ControllerLimits(
                settings.settle_s,
                settings.compile_jobs,
                settings.compile_timeout_s,
                child_limits(settings),
                settings.warm_up_s,
                custom_options(settings),
            ),
        )
        controller.start()
        try:
            _loop(controller, stop, settings.poll_s, partial(migrate, engine))
        finally:
            controller.close()


def _loop(
    controller: Controller, stop: threading.Event, poll_s: float, mend: Callable[[], None]
) -> None:
    while not stop.is_set():
        try:
            controller.step(time.monotonic())
        except SQLAlchemyError as error:
            why = str(getattr(error, "orig", None) or error)[:200]
            logger.warning("database not usable", extra={"why": why})
            with suppress(SQLAlchemyError):  # away, or removed and empty
                mend()
        except Exception:  # the loop must live on, whatever one look has met
            logger.exception("step failed")
        stop.wait(poll_s)
