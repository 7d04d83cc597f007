"""The controller process: put together once, stepped until it is told to end."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from service.base.bell import Bell
from service.base.confinement import Limits
from service.base.custom_state import custom_options
from service.base.database import migrate, open_database
from service.base.lock import hold_lock, wait_until_free
from service.base.settings import MEBIBYTE, Settings
from service.controller.capture_keeping import EVERY_S, CaptureKeeping
from service.controller.controller import Controller, ControllerLimits
from service.controller.data_pruning import DataPruning
from service.controller.ending import DRAINED_S, told_to_end
from service.controller.housekeeping import Housekeeping
from service.controller.job_program import PROGRAM, JobProgram
from service.controller.jobs import Jobs
from service.controller.mirrored import mirrored
from service.controller.probation import Probation
from service.controller.quality_keeping import QualityKeeping
from service.controller.sharing import Sharing
from service.controller.workshop import has_tensorflow
from service.jobs.store import JobStore
from service.quality.store import QualityStore
from service.quality.store_keys import KeyStore
from service.repository.compiled_store import open_compiled_store
from service.repository.store import VersionStore

logger = logging.getLogger(__name__)

Step = Callable[[float], object]  # told the monotonic time

MAX_FILE_BYTES = 8 * 1024**3


def child_limits(settings: Settings) -> Limits:
    """What one compiling child process may use."""
    return Limits(
        address_space=settings.compile_memory_mb * MEBIBYTE,
        cpu_s=settings.compile_cpu_s,
        file_size=MAX_FILE_BYTES,
    )


def controller_limits(settings: Settings) -> ControllerLimits:
    """How versions are compiled on this machine."""
    return ControllerLimits(
        settings.settle_s,
        settings.compile_jobs,
        settings.compile_timeout_s,
        child_limits(settings),
        settings.warm_up_s,
        custom_options(settings),
        has_tensorflow(),
    )


def run_controller(
    settings: Settings, job_argv: tuple[str, ...] = PROGRAM, outlived: Path | None = None
) -> None:
    """Run until SIGTERM or SIGINT. Raises StateDirectoryBusy if another one is at work.

    `job_argv` is what runs a job, before the job's id and the number of the attempt. `outlived` is
    the lock of a web process that is told to end at the same time: TensorFlow answers for it until
    it has drained.
    """
    stop = told_to_end()
    with hold_lock(settings.run_dir / "controller.lock", settings.state_dir):
        engine = open_database(settings.database)
        migrate(engine)
        versions = VersionStore(engine, settings.repository_key)
        quality = QualityStore(engine, settings.repository_key)
        controller = _controller(settings, versions)
        controller.sharing = Sharing(open_compiled_store(settings))
        probation = Probation(
            versions,
            quality,
            controller.configs,
            Bell(settings.run_dir / "bell").ring,
            controller.keep_prepared,
        )
        labels = QualityKeeping(quality, KeyStore(engine), versions)
        queue, configs = JobStore(engine, settings.repository_key), controller.configs
        files = DataPruning(
            settings.uploads_dir.absolute(), settings.data_keep_days, queue, versions, configs
        )
        jobs = Jobs(
            settings,
            queue,
            JobProgram(settings, job_argv),
            configs,
            {"labels": lambda: labels.step(time.time()), "data files": files},
        )
        sweeping = _sweeping(settings, quality, versions)
        controller.start()
        try:
            with mirrored(settings) as mirror:
                controller.is_gone = mirror.is_gone
                steps = [*mirror.steps, controller.step, probation.step, *jobs.steps, sweeping.step]
                _loop(steps, stop, settings.poll_s, partial(migrate, engine))
        finally:
            jobs.close()
            controller.end_children()
            if outlived is not None:
                wait_until_free(outlived, settings.drain_s + DRAINED_S)
            controller.close()


def _controller(settings: Settings, versions: VersionStore) -> Controller:
    return Controller(
        settings.repository,
        versions,
        settings.compiled_path.absolute(),
        settings.run_dir.absolute(),
        controller_limits(settings),
    )


def _sweeping(settings: Settings, quality: QualityStore, versions: VersionStore) -> Housekeeping:
    """What looks after captured inputs: oftener than other housekeeping."""
    capture_dir = settings.capture_dir.absolute()
    sweep = CaptureKeeping(capture_dir, settings.capture_mb * MEBIBYTE, quality, versions)
    return Housekeeping({"captured inputs": sweep}, EVERY_S)


def _loop(
    steps: Sequence[Step], stop: threading.Event, poll_s: float, mend: Callable[[], None]
) -> None:
    while not stop.is_set():
        for step in steps:
            _take(step, mend)
        stop.wait(poll_s)


def _take(step: Step, mend: Callable[[], None]) -> None:
    try:
        step(time.monotonic())
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error)[:200]
        logger.warning("database not usable", extra={"why": why})
        with suppress(SQLAlchemyError):  # away, or removed and empty
            mend()
    except Exception:  # the loop must live on, whatever one look has met
        logger.exception("step failed")
