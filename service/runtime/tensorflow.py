"""A version that could not be compiled, run by the TensorFlow process at the other end of a socket.

Below: the wire. A request is one message `{"artefact", "inputs": [spec...]}` followed by one
message a tensor; the answer is `{"outputs": [spec...]}` or `{"code", "message"}`, tensors after it.
A tensor is its raw bytes; strings are a JSON list.
"""

import multiprocessing.connection as sockets
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from service.base.compiled import Compiled
from service.base.errors import DeadlineExceeded, RuntimeLost, TensorInvalid
from service.base.signature import Signature, Tensors, zeros
from service.base.wire import pack, socket_address, unpack

TENSORFLOW_ROW_COST_S = 1.0  # always run in a thread: it waits for another process


class TensorFlowProxy:
    """The connections of one worker to the TensorFlow process, one a run under way."""

    def __init__(self, run_dir: Path, timeout_s: float) -> None:
        self._run_dir = run_dir
        self._timeout_s = timeout_s
        self._idle: queue.SimpleQueue[sockets.Connection] = queue.SimpleQueue()

    def ask(self, artefact: str, inputs: Tensors) -> Tensors:
        """Run a batch over there. Raises RuntimeLost when the process dies or isn't there."""
        header, payloads = pack({"artefact": artefact}, inputs)
        with self._connection() as connection:
            connection.send_bytes(header)
            for payload in payloads:
                connection.send_bytes(payload)
            return self._receive(connection)

    def close(self) -> None:
        """Close the idle connections."""
        while not self._idle.empty():
            self._idle.get().close()

    def _receive(self, connection: sockets.Connection) -> Tensors:
        if not connection.poll(self._timeout_s):
            raise DeadlineExceeded(self._timeout_s)
        answer: dict[str, Any] = orjson.loads(connection.recv_bytes())
        if "code" in answer:
            if answer["code"] == "bad_tensor":
                raise TensorInvalid(
                    "inputs", "values that the model can compute with", answer["message"]
                )
            raise RuntimeLost(answer["message"])
        return unpack(answer["tensors"], connection.recv_bytes)

    @contextmanager
    def _connection(self) -> Iterator[sockets.Connection]:
        """A connection that goes back to the idle ones only if the exchange went well."""
        connection = self._take()
        try:
            yield connection
        except (OSError, EOFError) as error:
            connection.close()
            raise RuntimeLost("it ended while it was answering") from error
        except TensorInvalid:
            self._idle.put(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)

    def _take(self) -> sockets.Connection:
        while not self._idle.empty():
            try:
                idle = self._idle.get_nowait()
            except queue.Empty:
                break
            if not idle.poll():  # readable while idle means that the other end has closed it
                return idle
            idle.close()
        try:
            with socket_address(self._run_dir) as address:
                return sockets.Client(address, family="AF_UNIX")
        except OSError as error:
            raise RuntimeLost(f"it isn't running yet ({os.strerror(error.errno or 0)})") from error


class TensorFlowVersion:
    """One version behind the proxy. Raises RuntimeLost while the process isn't there."""

    def __init__(self, proxy: TensorFlowProxy, compiled: Compiled) -> None:
        self._proxy = proxy
        self._artefact = compiled.key
        self._signature = compiled.signature
        try:
            self.run(zeros(compiled.signature, 1, compiled.free_axis))
        except TensorInvalid:  # it runs; it only doesn't like zeros
            return

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self._signature

    @property
    def row_cost_s(self) -> float:
        """Always above what the event loop may be held up for."""
        return TENSORFLOW_ROW_COST_S

    def run(self, inputs: Tensors) -> Tensors:
        """The outputs for a batch, by name."""
        return self._proxy.ask(self._artefact, inputs)

    def close(self) -> None:
        """Nothing to do: the TensorFlow process forgets versions by itself."""
