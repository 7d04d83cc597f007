"""The client's calls for jobs: retrain and evaluate, watch and cancel, and the data that they read.

Raises ServiceRefused with the status: 400 for a request that names what it can't, 403 without the
right, 404 for what isn't there, 409 for what goes against another job, 422 for data that can't be
learned from, with its rows.
"""

import secrets
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from service.base.aside import aside
from service.base.errors import ServiceRefused
from service.base.strict_json import Json
from service.client_connection import KEY, Connection
from service.client_events import JobNews, read_events
from service.client_files import FileBody
from service.client_patience import NO_ANSWER, PATIENCE_S, PAUSE_S, Patience, patiently

CHECK_TIMEOUT_S = 300.0  # the service reads the data before it says yes
UPLOAD_TIMEOUT_S = 300.0
PIECE = 1024 * 1024
ENDED = ("GATED", "PUBLISHED", "SUCCEEDED", "FAILED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as it stands; times are ISO 8601 or none. Lists of jobs leave the last three empty."""

    id: str
    kind: str
    model: str
    state: str
    by: str
    trigger: str
    priority: int
    attempt: int
    created_at: str
    started_at: str | None
    ended_at: str | None
    progress: Json
    error: str
    epochs: tuple[Json, ...] = ()
    request: Json | None = None
    result: Json | None = None

    @property
    def is_ended(self) -> bool:
        """True when nothing will change any more."""
        return self.state in ENDED


class JobCalls(Connection):
    """What those who train may ask for."""

    trigger = ""
    """Who asks for jobs, for the metrics: the command line says `cli`."""

    def retrain(self, model: str, request: Json, key: str = "", why: str = "") -> JobStatus:
        """Ask for a retrain; the data is checked before this returns.

        With the same `key` the same request is the same job, however often it is sent.
        """
        return self._order(f"{_path(model)}:retrain", request, key, why)

    def evaluate(
        self, model: str, request: Json, version: int | None = None, key: str = ""
    ) -> JobStatus:
        """Ask for an evaluation of versions on rows with known labels."""
        place = _path(model) if version is None else f"{_path(model)}/versions/{version:d}"
        return self._order(f"{place}:evaluate", request, key, "")

    def batch_predict(self, model: str, request: Json, key: str = "") -> JobStatus:
        """Ask for predictions for files in the service's data folder."""
        return self._order(f"{_path(model)}:batch-predict", request, key, "")

    def jobs(
        self, model: str = "", state: str = "", kind: str = "", limit: int = 100, before: str = ""
    ) -> list[JobStatus]:
        """Jobs, newest first; `before` is the last one of the page before."""
        asked = _query(model=model, state=state, kind=kind, limit=limit, before=before)
        return [read_job(record) for record in self.ask("GET", f"/v1/jobs{asked}")["jobs"]]

    def job(self, job: str, patience_s: float = 0) -> JobStatus:
        """One job, with its epochs, what was asked and what came of it.

        With `patience_s` a service that is away for less is asked again until it answers.
        """
        return read_job(patiently(lambda: self.ask("GET", _job(job)), patience_s))

    def cancel(self, job: str, why: str = "") -> JobStatus:
        """Have a job end: at once if it waits, else at its next batch."""
        return read_job(self._change("POST", f"{_job(job)}:cancel{_query(why=why)}", None))

    def wait(self, job: str, timeout_s: float = 3600, patience_s: float = PATIENCE_S) -> JobStatus:
        """The job once it has ended; a service that is away is borne as `events` does.

        Raises TimeoutError.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = deadline - time.monotonic()
            status = self.job(job, min(patience_s, left_s))
            if status.is_ended:
                return status
            if left_s <= 0:
                raise TimeoutError(f"job {job} is still {status.state}")
            time.sleep(PAUSE_S)

    def events(
        self, job: str, after: int = 0, patience_s: float = PATIENCE_S
    ) -> Generator[JobNews, None, None]:
        """What happens to a job, as it happens, until its end; each event once.

        A connection that breaks is opened anew, where it was. Raises ServiceUnreachable, or
        ServiceRefused with 502, 503 or 504, when the service stays away for `patience_s`.
        """
        patience = Patience(patience_s)
        while True:
            try:
                for news in self._stream(job, after, patience):
                    after = news.id or after
                    yield news
                    if news.name == "end":
                        return
                time.sleep(PAUSE_S)
            except NO_ANSWER as error:
                patience.bear(error)

    def job_log(self, job: str, tail: int | None = None) -> str:
        """The last lines of what its program has printed, of so many bytes at most."""
        sent = self._send("GET", f"{_job(job)}/log{_query(tail=tail)}", None, {})
        return sent.content.decode(errors="replace")

    def artefacts(self, job: str) -> list[Json]:
        """The files of a job: name, bytes, at."""
        listed: list[Json] = self.ask("GET", f"{_job(job)}/artefacts")["artefacts"]
        return listed

    def download(self, job: str, name: str, target: Path) -> None:
        """Write one of its files; the target is there only when it is whole."""
        url = f"{_job(job)}/artefacts/{quote(name)}"
        with aside(target) as partial:
            with self._open(url, {}) as answer, partial.open("wb") as file:
                for piece in answer.iter_content(PIECE):
                    file.write(piece)
            partial.replace(target)

    def upload_data(self, model: str, path: Path, name: str = "") -> Json:
        """Send a data file; `file` of what is answered names it in requests.

        The same again is the file that is there.
        """
        body, asked = FileBody(path), _query(name=name or path.name)
        headers = {"Content-Type": body.content_type}
        place = f"{_path(model)}/data{asked}"
        return self._change("POST", place, body, headers, UPLOAD_TIMEOUT_S)

    def data_files(self, model: str) -> list[Json]:
        """The uploaded data files of a model, the latest first."""
        listed: list[Json] = self.ask("GET", f"{_path(model)}/data")["files"]
        return listed

    def delete_data(self, model: str, file: str, why: str = "") -> Json:
        """Delete one. 409 while a job needs it."""
        place = f"{_path(model)}/data/{quote(file, safe='')}"
        return self._change("DELETE", f"{place}{_query(why=why)}", None)

    def evaluations(
        self, model: str, version: int | None = None, dataset: str = "", limit: int = 100
    ) -> list[Json]:
        """What versions scored, newest first."""
        asked = _query(version=version, dataset=dataset, limit=limit)
        listed: list[Json] = self.ask("GET", f"{_path(model)}/evaluations{asked}")["evaluations"]
        return listed

    def compare(self, model: str, a: int, b: int, dataset: str = "") -> Json:
        """Two versions on the same rows: whether b is really better than a."""
        asked = _query(a=a, b=b, dataset=dataset)
        answer: Json = self.ask("GET", f"{_path(model)}/evaluations/compare{asked}")
        return answer

    def _order(self, place: str, request: Json, key: str, why: str) -> JobStatus:
        headers = {KEY: key or secrets.token_hex(16)}
        asked = _query(why=why, trigger=self.trigger)
        body = orjson.dumps(request)
        return read_job(self._change("POST", f"{place}{asked}", body, headers, CHECK_TIMEOUT_S))

    def _stream(self, job: str, after: int, patience: Patience) -> Iterator[JobNews]:
        """One connection's events; without a free place for a watcher, those so far."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        try:
            with self._open(f"{_job(job)}/events", headers) as answer:
                patience.heard()
                if answer.status_code == 204:
                    yield JobNews("end", None, self.ask("GET", _job(job)))
                yield from read_events(answer.iter_lines(chunk_size=1))
        except ServiceRefused as error:
            if error.status != 503:
                raise
            told = self.ask("GET", f"{_job(job)}/events{_query(after=after, limit=1000)}")
            patience.heard()
            for event in told["events"]:
                yield JobNews(event["kind"], event["id"], event)
            is_over = told["job"]["state"] in ENDED and not told["events"]
            yield JobNews("end" if is_over else "job", None, told["job"])


def read_job(record: Json) -> JobStatus:
    """A job out of the service's answer."""
    told: dict[str, Any] = {
        field.name: record[field.name] for field in fields(JobStatus) if field.name in record
    }
    return JobStatus(**{**told, "epochs": tuple(record.get("epochs", ()))})


def _path(model: str) -> str:
    return f"/v1/models/{quote(model, safe='')}"


def _job(job: str) -> str:
    return f"/v1/jobs/{quote(job, safe='')}"


def _query(**keys: Any) -> str:
    """What is said, with its question mark."""
    said = {key: value for key, value in keys.items() if value not in (None, "")}
    return f"?{urlencode(said)}" if said else ""
