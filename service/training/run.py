"""The program of one job: `python -m service.training.run JOB_ID ATTEMPT`.

It takes what it needs from KERASD_* in its environment. Its exit code tells only what it couldn't
write into the job's row: see `service/jobs/exits.py`.
"""

import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module

from sqlalchemy.exc import SQLAlchemyError

from service.base.aside import sweep
from service.base.confinement import narrow_memory
from service.base.database import open_database
from service.base.durable import storing
from service.base.errors import DatabaseAway, KerasdError, ModelNotReady, SwapUnfinished
from service.base.http_errors import RemoteAway, StorageFull
from service.base.job_errors import Cancelled, Superseded, TrainingFailed
from service.base.log import configure_logging
from service.base.processors import processors
from service.base.settings import MEBIBYTE, Settings, read_settings
from service.jobs.attempt import Attempt
from service.jobs.exits import AGAIN, DONE, FULL, LATER
from service.jobs.job import JobState, Kind
from service.jobs.priority import work_when_idle
from service.jobs.store import JobStore
from service.training.disk import is_disk_full, is_memory_short
from service.training.ended import Ended
from service.training.kept import WHERE
from service.training.workplace import Workplace, open_workplace

logger = logging.getLogger(__name__)

FAULT = 1
# They come back, and the next attempt goes on where this one has ended.
PASSING = (ModelNotReady, SwapUnfinished, RemoteAway)
Work = Callable[[Attempt, Workplace], Ended]
# Module and function; imported when it is their turn, for not all of them need TensorFlow.
WORK = {
    Kind.RETRAIN: ("service.training.retrain", "retrain"),
    Kind.EVALUATE: ("service.training.evaluate", "evaluate"),
    Kind.BATCH_PREDICT: ("service.training.batch_predict", "batch_predict"),
}


def main(arguments: list[str]) -> int:
    """Run one attempt of one job; the exit code."""
    job_id, number = arguments[0], int(arguments[1])
    settings = read_settings()
    configure_logging(settings.log_level, settings.log_format)
    narrow_memory(settings.job_memory_mb * MEBIBYTE)
    try:
        return _attempt(settings, job_id, number)
    except Superseded as error:
        logger.warning("superseded", extra={"job": job_id, "why": str(error)})
        return DONE
    except PASSING as error:
        logger.warning("job begins again later", extra={"job": job_id})
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return LATER
    except (SQLAlchemyError, DatabaseAway) as error:
        if is_disk_full(error):
            return FULL
        logger.warning("database away", extra={"job": job_id, "why": str(error)[:300]})
        return AGAIN
    except Exception as error:
        logger.exception("job failed", extra={"job": job_id})
        return FULL if is_disk_full(error) else FAULT


def _attempt(settings: Settings, job_id: str, number: int) -> int:
    engine = open_database(settings.database)
    store = JobStore(engine, settings.repository_key)
    job = store.get(job_id)
    if job.attempt != number or job.is_ended:
        raise Superseded(job_id, number)
    folder = settings.jobs_dir.absolute() / job.id
    threads = settings.job_threads or processors()
    place = open_workplace(settings, engine, threads)
    with Attempt(store, job, folder, lease_s=settings.job_lease_s) as attempt:
        attempt.progress(stage="beginning")
        if settings.executor == "local":  # on a machine that serves
            work_when_idle()  # unlike the heartbeat, which has begun
        logger.info("attempt begins", extra={"job": job.id, "attempt": number, "kind": job.kind})
        ended = _work(attempt, place)
        attempt.finish(ended.state, ended.result, ended.error)
        logger.info("job ended", extra={"job": job.id, "state": ended.state})
    return DONE


def _work(attempt: Attempt, place: Workplace) -> Ended:
    """Do it; what it can't do is how it ended."""
    try:
        attempt.check()  # or it would take what its successor writes for something left over
        with storing(WHERE):
            sweep(attempt.folder)
        return _work_of(attempt.job.kind)(attempt, place)
    except Cancelled as error:
        return Ended(JobState.CANCELLED, error=str(error))
    except (Superseded, DatabaseAway, SQLAlchemyError, *PASSING):
        raise
    except KerasdError as error:
        logger.warning("job failed", exc_info=True)
        return Ended(JobState.FAILED, error=str(error))
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        logger.warning("job failed", exc_info=True)
        return Ended(JobState.FAILED, error=str(told))


def _told(error: BaseException) -> KerasdError | None:
    """What a foreign error means to people; none if it is a fault of the program."""
    if is_disk_full(error):
        return StorageFull("There is no room in the jobs' folder; free some, then ask again")
    if is_memory_short(error):
        return TrainingFailed(
            "the job needs more memory than it may have; raise the setting job_memory_mb"
        )
    return None


def _work_of(kind: Kind) -> Work:
    module, function = WORK[kind]
    work: Work = getattr(import_module(module), function)
    return work


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # HDF5 and TensorFlow would have a last word about a disk that is full
