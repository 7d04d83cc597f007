"""A version that could not be compiled, run by the TensorFlow process at the other end of a socket.

Below: the wire. A request is one message `{"artefact", "inputs": [spec...]}` followed by one
message a tensor; the answer is `{"outputs": [spec...]}` or `{"code", "message"}`, tensors after it.
A tensor is its raw bytes; strings are a JSON list.
"""

import math
import multiprocessing.connection as sockets
import os
import queue
import socket
import struct
import time
from pathlib import Path
from typing import Any

import orjson

from service.base.compiled import Compiled, read_verified
from service.base.errors import DeadlineExceeded, RuntimeLost, TensorInvalid
from service.base.golden import GOLDEN_FILE
from service.base.signature import Signature, Tensors
from service.base.wire import pack, socket_address, unpack
from service.runtime.measurement import (
    TRIED_ROWS,
    Measured,
    Samples,
    measure_times,
    replayed_inputs,
    try_rows,
)


class ConnectionDead(Exception):
    """The other end was gone before a byte of the answer came; the same may be asked again."""


class TensorFlowProxy:
    """The connections of one worker to the TensorFlow process, one a run under way."""

    def __init__(self, run_dir: Path, timeout_s: float) -> None:
        self._run_dir = run_dir
        self._timeout_s = timeout_s
        self._idle: queue.SimpleQueue[sockets.Connection] = queue.SimpleQueue()

    def ask(self, artefact: str, inputs: Tensors, deadline: float | None = None) -> Tensors:
        """Run a batch over there. Raises RuntimeLost when the process dies or isn't there.

        Asked once more, on a new connection, if the one kept from before turns out to be dead:
        that of a process that has been replaced. Predicting has no effects, so that does no harm.
        """
        started = time.monotonic()
        until = started + self._timeout_s if deadline is None else deadline
        if until <= started:
            raise DeadlineExceeded(0)
        header, payloads = pack({"artefact": artefact}, inputs)
        messages = [header, *payloads]
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._exchange(connection, messages, started, until)
            except ConnectionDead:
                self.close()  # the other idle ones led to the same process
        try:
            return self._exchange(self._connect(), messages, started, until)
        except ConnectionDead as error:
            raise RuntimeLost("it ended while it was answering") from error

    def close(self) -> None:
        """Close the idle connections."""
        while (connection := self._pop()) is not None:
            connection.close()

    def _exchange(
        self, connection: sockets.Connection, messages: list[bytes], started: float, until: float
    ) -> Tensors:
        """Ask and hear the answer; the connection is kept only if all of that was heard."""
        is_whole = False
        try:
            answer = _converse(connection, messages, started, until)
            outputs = unpack(answer.get("tensors", []), connection.recv_bytes)
            is_whole = True
        except (OSError, EOFError) as error:
            raise RuntimeLost("it ended while it was answering") from error
        finally:
            if is_whole:
                self._idle.put(connection)
            else:
                connection.close()
        _raise_failure(answer)
        return outputs

    def _take_idle(self) -> sockets.Connection | None:
        while (connection := self._pop()) is not None:
            if not connection.poll():  # readable while idle means that the other end has closed it
                return connection
            connection.close()
        return None

    def _pop(self) -> sockets.Connection | None:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return None

    def _connect(self) -> sockets.Connection:
        try:
            with socket_address(self._run_dir) as address:
                connection = sockets.Client(address, family="AF_UNIX")
        except OSError as error:
            raise RuntimeLost(f"it isn't running yet ({os.strerror(error.errno or 0)})") from error
        _limit(connection, self._timeout_s)
        return connection


class TensorFlowVersion:
    """One version behind the proxy. Raises RuntimeLost while the process isn't there.

    With its `folder`, the golden values there tell whether its rows keep to themselves.
    """

    def __init__(
        self, proxy: TensorFlowProxy, compiled: Compiled, folder: Path | None = None
    ) -> None:
        self._proxy = proxy
        self._artefact = compiled.key
        self._signature = compiled.signature
        golden = None
        if folder is not None and GOLDEN_FILE in compiled.files:
            content = read_verified(folder, compiled, GOLDEN_FILE)
            golden = replayed_inputs(content, compiled.signature, self._try, folder.name)
        samples = Samples(compiled.signature, golden, compiled.free_axis)
        times = measure_times(self._try, samples, (1, TRIED_ROWS))
        rows = try_rows(self._try, samples, times)
        self._measured = Measured(
            times,
            rows,
            "tensorflow",
            free_axis=compiled.free_axis,
            rows_doubt=compiled.rows_doubt,
        )

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self._signature

    @property
    def measured(self) -> Measured:
        """All that was found out when it was loaded."""
        return self._measured

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        """The outputs for a batch, by name. After the deadline nobody waits for them."""
        return self._proxy.ask(self._artefact, inputs, deadline)

    def _try(self, inputs: Tensors) -> Tensors:
        """A run while it is loaded: a process that hangs then is lost, and may come back."""
        try:
            return self.run(inputs)
        except DeadlineExceeded as error:
            raise RuntimeLost("it doesn't answer") from error

    def close(self) -> None:
        """Nothing to do: the TensorFlow process forgets versions by itself."""


def _converse(
    connection: sockets.Connection, messages: list[bytes], started: float, until: float
) -> dict[str, Any]:
    """The header of the answer. Raises ConnectionDead if none comes, DeadlineExceeded if late."""
    try:
        for message in messages:
            connection.send_bytes(message)
        if not connection.poll(max(0.0, until - time.monotonic())):
            raise DeadlineExceeded(round(max(0.0, until - started), 3))
        header = connection.recv_bytes()
    except (OSError, EOFError) as error:
        raise ConnectionDead from error
    answer: dict[str, Any] = orjson.loads(header)
    return answer


def _raise_failure(answer: dict[str, Any]) -> None:
    if "code" not in answer:
        return
    if answer["code"] == "bad_tensor":
        raise TensorInvalid("inputs", "values that the model can compute with", answer["message"])
    raise RuntimeLost(answer["message"])


def _limit(connection: sockets.Connection, seconds: float) -> None:
    """Let no read or write block for ever, should the other end be stopped amid a message."""
    limit = struct.pack("ll", math.ceil(seconds), 0)
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
