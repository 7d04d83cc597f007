"""A real HTTP server that decodes prediction requests and tells what it has understood."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from service.base.errors import KerasdError
from service.base.signature import Signature
from service.repository.model_config import ModelConfig
from service.web.exchange import Call, Facts, Identity
from service.web.paths import parse_predict_path
from service.web.protocols import translators

MANY = 1000


def understand(signature: Signature, path: str, headers: dict[bytes, bytes], body: bytes) -> Any:
    """The tensors of a request by name: shape, type and distinct values. Raises KerasdError."""
    parsed = parse_predict_path(path)
    assert parsed is not None, path
    facts = Facts(Identity("m", 1, "f" * 64), signature, ModelConfig(), False, MANY)
    call = Call(parsed, headers, body, time.monotonic() + MANY)
    asked = translators()[parsed.verb].decode(call, facts)
    return {
        name: [list(array.shape), array.dtype.name, sorted(set(array.ravel().tolist()))]
        for name, array in asked.inputs.items()
    }


@contextmanager
def answering(signature: Signature) -> Iterator[str]:
    """The address of such a server."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {
                name.lower().encode(): value.encode() for name, value in self.headers.items()
            }
            try:
                status, answer = 200, understand(signature, self.path, headers, body)
            except KerasdError as error:
                status, answer = error.status, {"error": str(error)}
            content = orjson.dumps(answer)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
