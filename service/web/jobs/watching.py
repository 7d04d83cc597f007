"""The routes that tell of jobs: which there are, how far one is, its events, log and artefacts."""

from typing import Any, TypeVar

from flask import Flask, Response, g, request
from werkzeug.routing import BaseConverter

from service.base.errors import RequestInvalid
from service.base.job_errors import JobNotFound
from service.base.names import check_model_name
from service.jobs.ids import is_id
from service.jobs.job import Job, JobState, Kind
from service.jobs.record import brief_record
from service.web.access.access import check_model
from service.web.admin.query import number, only
from service.web.admin.version_record import iso_time
from service.web.jobs.artefacts import find_artefacts
from service.web.jobs.event_text import (
    RETRY,
    STREAM,
    after_of,
    event_record,
    event_text,
    text,
    wants_stream,
)
from service.web.jobs.feed import reader
from service.web.jobs.job_files import TAIL_BYTES, TEXT, Downloads, end_of_log
from service.web.jobs.job_record import EPOCH, job_record
from service.web.process import WebProcess
from service.web.responses import json_response

JOBS = "/v1/jobs"
JOB = f"{JOBS}/<model_name:job>"
LIMIT, MOST = 100, 1000
MOST_TAIL = 4 * 1024**2

Word = TypeVar("Word", JobState, Kind)


class FilePath(BaseConverter):
    """A path below a job's folder."""

    regex = r"[^\x00-\x1f\x7f]+"
    part_isolating = False


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    app.url_map.converters["file_path"] = FilePath
    _add_jobs(app, process)
    _add_events(app, process)
    _add_files(app, process)


def seen_job(process: WebProcess, job: str) -> Job:
    """A job that the caller may see. Raises JobNotFound, Forbidden.

    Who is limited to some models is not told whether there is a job of another one.
    """
    try:
        if not is_id(job):
            raise JobNotFound(job)
        found = process.jobs.get(job)
    except JobNotFound:
        check_model(g.caller, "")
        raise
    check_model(g.caller, found.model)
    return found


def _add_jobs(app: Flask, process: WebProcess) -> None:
    @app.get(JOBS)
    def jobs() -> Response:
        only("model", "state", "kind", "limit", "before")
        model, before = request.args.get("model", ""), request.args.get("before", "")
        check_model(g.caller, model)
        if model:
            check_model_name(model)
        if before and not is_id(before):
            raise RequestInvalid(f"before: expected the id of a job, got {before[:40]!a}")
        state, kind = _word("state", JobState), _word("kind", Kind)
        limit = number("limit", LIMIT, MOST)
        found = process.jobs.find(model, state, kind, limit, before, is_brief=True)
        return json_response({"jobs": [brief_record(job) for job in found]})

    @app.get(JOB)
    def job(job: str) -> Response:
        only()
        found = seen_job(process, job)
        events = process.jobs.latest_events(found.id, EPOCH)
        return json_response(job_record(found, events))


def _add_events(app: Flask, process: WebProcess) -> None:
    read = reader(process.jobs)

    @app.get(f"{JOB}/events")
    def events(job: str) -> Response:
        only("after", "limit")
        after = after_of(request.headers.get("Last-Event-ID", ""), request.args.get("after"))
        seen_job(process, job)
        look = read(job, after, number("limit", LIMIT, MOST))
        if not wants_stream(request.headers.getlist("Accept")):
            told = [event_record(event) for event in look.events]
            return json_response({"job": brief_record(look.job), "events": told})
        # Only servers without an event loop come here: who wants more comes again, as told.
        parts = [RETRY, *map(event_text, look.events)]
        is_last = look.job.is_ended and not look.events
        parts.append(text("end" if is_last else "job", brief_record(look.job)))
        return Response(b"".join(parts), content_type=STREAM)


def _add_files(app: Flask, process: WebProcess) -> None:
    folder, downloads = process.settings.jobs_dir, Downloads()

    @app.get(f"{JOB}/log")
    def log(job: str) -> Response:
        only("tail")
        most = number("tail", TAIL_BYTES, MOST_TAIL)
        found = seen_job(process, job)
        return Response(end_of_log(folder / found.id, job, most), content_type=TEXT)

    @app.get(f"{JOB}/artefacts")
    def artefacts(job: str) -> Response:
        only()
        found = seen_job(process, job)
        listed: list[dict[str, Any]] = [
            {"name": one.name, "bytes": one.bytes, "at": iso_time(one.at)}
            for one in find_artefacts(folder / found.id)
        ]
        return json_response({"job": job, "artefacts": listed})

    @app.get(f"{JOB}/artefacts/<file_path:artefact>")
    def send_artefact(job: str, artefact: str) -> Response:
        only()
        found = seen_job(process, job)
        return downloads.send(folder / found.id, found.id, artefact)


def _word(name: str, kind: type[Word]) -> Word | None:
    """One of an enumeration's words, or none where nothing is said."""
    given = request.args.get(name)
    if given is None:
        return None
    try:
        return kind(given)
    except ValueError as error:
        words = ", ".join(one.value for one in kind)
        raise RequestInvalid(f"{name}: expected {words}, got {given[:40]!a}") from error
