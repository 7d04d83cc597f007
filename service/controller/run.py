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
from service.base.database import Engine, migrate, open_database
from service.base.database_errors import database_words
from service.base.graces import Graces
from service.base.lock import hold_lock, wait_until_free
from service.base.settings import MEBIBYTE, Settings
from service.controller.capture_keeping import EVERY_S, CaptureKeeping
from service.controller.controller import Controller
from service.controller.data_pruning import DataPruning
from service.controller.ending import told_to_end
from service.controller.heart import Heart
from service.controller.housekeeping import Housekeeping
from service.controller.job_program import PROGRAM, JobProgram
from service.controller.jobs import Jobs
from service.controller.limits import ControllerLimits
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
from service.repository.store_heartbeats import HeartbeatStore

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
        probation = _probation(settings, versions, quality, controller)
        heart = _heart(settings, engine)
        controller.beat = heart.beat
        queue, configs = JobStore(engine, settings.repository_key), controller.configs
        data_dir, told = settings.uploads_dir.absolute(), controller.told_configs
        labels = QualityKeeping(quality, KeyStore(engine), versions, told)
        files = DataPruning(data_dir, settings.data_keep_days, queue, versions, told)
        jobs = Jobs(
            settings,
            queue,
            JobProgram(settings, job_argv),
            configs,
            {"labels": lambda: labels.step(time.time()), "data files": files},
        )
        sweeping = _sweeping(settings, quality, versions, controller)
        controller.start()
        try:
            with mirrored(settings) as mirror:
                controller.is_gone = mirror.is_gone
                steps = [*mirror.steps, controller.step, probation.step, *jobs.steps, sweeping.step]
                _loop(steps, stop, settings.poll_s, partial(migrate, engine), heart)
        finally:
            heart.stop()
            jobs.close()
            controller.end_children()
            if outlived is not None:
                runtime_s = Graces(settings.predict_timeout_s).runtime_s
                wait_until_free(outlived, settings.drain_s + runtime_s)
            controller.close()


def _controller(settings: Settings, versions: VersionStore) -> Controller:
    return Controller(
        settings.repository,
        versions,
        settings.compiled_path.absolute(),
        settings.run_dir.absolute(),
        controller_limits(settings),
    )


def _probation(
    settings: Settings, versions: VersionStore, quality: QualityStore, controller: Controller
) -> Probation:
    ring = Bell(settings.run_dir / "bell").ring
    return Probation(versions, quality, controller.configs, ring, controller.keep_prepared)


def _heart(settings: Settings, engine: Engine) -> Heart:
    store = HeartbeatStore(engine, settings.repository_key)
    return Heart(store, settings.run_dir, settings.mirror_dir if settings.repository_url else None)


def _sweeping(
    settings: Settings, quality: QualityStore, versions: VersionStore, controller: Controller
) -> Housekeeping:
    """What looks after captured inputs: oftener than other housekeeping."""
    capture_dir, max_bytes = settings.capture_dir.absolute(), settings.capture_mb * MEBIBYTE
    told = controller.told_configs
    sweep = CaptureKeeping(capture_dir, max_bytes, quality, versions, told)
    return Housekeeping({"captured inputs": sweep}, EVERY_S)


def _loop(
    steps: Sequence[Step],
    stop: threading.Event,
    poll_s: float,
    mend: Callable[[], None],
    heart: Heart,
) -> None:
    while not stop.is_set():
        failed = 0
        for step in steps:
            failed += not _take(step, mend)
            heart.beat()
        if not failed:
            _take(heart.step, mend)
        stop.wait(poll_s)


def _take(step: Step, mend: Callable[[], None]) -> bool:
    """Whether it went well; the loop must live on, whatever one look has met."""
    try:
        step(time.monotonic())
        return True
    except SQLAlchemyError as error:
        logger.warning("database not usable", extra={"why": database_words(error)})
        with suppress(SQLAlchemyError):  # away, or removed and empty
            mend()
    except Exception:  # of any kind
        logger.exception("step failed")
    return False
