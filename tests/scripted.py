"""A real HTTP server that answers by a script and remembers what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

from service.base.strict_json import Json
from service.client import JobStatus

JOB = "20261126-141530123-9f8e3a1c"


@dataclass(frozen=True)
class Line:
    """One answer of the script; `drop` closes the connection instead, `hold` says nothing."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hold: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Scripted:
    """The server's address and what it was asked; it answers each line once, the last for ever."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self.asked: list[Asked] = []
        self.end = threading.Event()
        self.url = ""

    def answer(self, asked: Asked) -> Line:
        self.asked.append(asked)
        return self._lines[min(len(self.asked), len(self._lines)) - 1]


def job_record(state: str, **more: object) -> Json:
    """The job JOB as the service tells of it."""
    at = "2026-11-26T14:15:30Z"
    job = JobStatus(JOB, "retrain", "m", state, "ann", "cli", 0, 1, at, None, None, {}, "")
    return {**asdict(job), **more}


@contextmanager
def scripted(*lines: Line) -> Iterator[Scripted]:
    """Such a server, on a port of its own."""
    script = Scripted(list(lines))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            line = script.answer(Asked(self.command, self.path, dict(self.headers), body))
            if line.hold:
                script.end.wait()
            if line.hold or line.drop:
                self.close_connection = True
                return
            content = line.body if isinstance(line.body, bytes) else orjson.dumps(line.body)
            self.send_response(line.status)
            for name, value in {**line.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield script
        finally:
            script.end.set()
            server.shutdown()
            thread.join()
