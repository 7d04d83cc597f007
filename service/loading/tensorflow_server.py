"""The TensorFlow process: runs the versions that could not be compiled, for all web workers.

    python -m service.loading.tensorflow_server RUN_DIR COMPILED_DIR PARENT_PID

It listens on a socket in RUN_DIR and loads a version at its first request. It ends with its parent.
"""

import functools
import importlib
import logging
import multiprocessing.connection as sockets
import sys
import threading
from pathlib import Path
from typing import Any

import orjson

from service.base.confinement import die_with_parent
from service.base.names import is_model_name
from service.base.refusals import ArtefactCorrupt
from service.base.wire import SOCKET_NAME, pack, socket_address, unpack

logger = logging.getLogger(__name__)

MAX_LOADED = 32


class Server:
    """Answers connections, each in a thread of its own; TensorFlow itself is thread-safe."""

    def __init__(self, compiled_dir: Path) -> None:
        load = functools.partial(_load, compiled_dir)
        self._load = functools.lru_cache(maxsize=MAX_LOADED)(load)
        self._loading = threading.Lock()

    def serve(self, listener: sockets.Listener) -> None:
        """Accept for ever."""
        while True:
            connection = listener.accept()
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: sockets.Connection) -> None:
        with connection:
            try:
                while True:
                    self._answer(connection)
            except (EOFError, OSError):  # the worker closed it, or is gone
                return

    def _answer(self, connection: sockets.Connection) -> None:
        request: dict[str, Any] = orjson.loads(connection.recv_bytes())
        inputs = unpack(request["tensors"], connection.recv_bytes)
        try:
            with self._loading:  # two first requests must not load a version twice
                graph = self._load(request["artefact"])
            header, payloads = pack({}, graph.run(inputs))
        except (ValueError, TypeError) as error:
            header, payloads = _failure("bad_tensor", error), []
        except Exception as error:
            logger.exception("prediction failed")
            header, payloads = _failure("runtime_lost", error), []
        connection.send_bytes(header)
        for payload in payloads:
            connection.send_bytes(payload)


def _load(compiled_dir: Path, artefact: str) -> Any:
    from service.loading.exported import LoadedGraph

    if not is_model_name(artefact):
        raise ArtefactCorrupt(artefact, "is no key of a compiled version")
    return LoadedGraph(compiled_dir / artefact)


def _failure(code: str, error: Exception) -> bytes:
    text = " ".join(str(error).split())[:300]
    return orjson.dumps({"code": code, "message": f"{type(error).__name__}: {text}"})


def main() -> None:
    """Listen until killed."""
    die_with_parent(int(sys.argv[3]))
    importlib.import_module("service.loading.exported")  # TensorFlow: some seconds
    run_dir, compiled_dir = Path(sys.argv[1]), Path(sys.argv[2])
    (run_dir / SOCKET_NAME).unlink(missing_ok=True)
    with socket_address(run_dir) as address:
        listener = sockets.Listener(address, family="AF_UNIX", backlog=128)
    (run_dir / SOCKET_NAME).chmod(0o600)
    Server(compiled_dir).serve(listener)


if __name__ == "__main__":
    main()
