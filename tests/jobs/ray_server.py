"""Ray's Jobs API on loopback, with as much behind it as a test says."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

TOKEN = "the-cluster's"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


class RayServer:
    """`jobs` are Ray's records by name; `trouble` is a status that it answers to everything."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.orders: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.trouble = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        ray = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ray.answer(self, None)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                ray.answer(self, orjson.loads(self.rfile.read(length) or b"null"))

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        self.may_answer.wait(30)
        self.asked.append(f"{request.command} {request.path}")
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            status, told = 401, "Unauthorized: Missing authentication token"
        elif self.trouble:
            status, told = self.trouble, "trouble"
        else:
            status, told = self._told(request.path.strip("/").split("/")[1:], body)
        content = told.encode() if isinstance(told, str) else orjson.dumps(told)
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        if 300 <= status < 400:
            request.send_header("Location", f"{self.url}/api/version")
        request.end_headers()
        request.wfile.write(content)

    def _told(self, path: list[str], body: Any) -> tuple[int, Any]:
        if path == ["version"]:
            return 200, {"version": "4", "ray_version": "2.60.0"}
        if path == ["jobs"]:
            return self._take(body)
        job = self.jobs.get(path[1])
        if job is None:
            return 404, f"Job {path[1]} does not exist"
        if path[2:] == ["stop"]:
            was_running = job["status"] not in ENDED
            if was_running:
                job["status"] = "STOPPED"
            return 200, {"stopped": was_running}
        return 200, job

    def _take(self, order: dict[str, Any]) -> tuple[int, Any]:
        name = order["submission_id"]
        if name in self.jobs:
            return 500, f"ValueError: Job with submission_id {name} already exists."
        self.orders.append(order)
        self.jobs[name] = {"submission_id": name, "status": "PENDING", "driver_exit_code": None}
        return 200, {"job_id": name, "submission_id": name}
