"""The proxy to the TensorFlow process: connections die with a process, requests needn't."""

import multiprocessing.connection as sockets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import orjson
import pytest

from service.base.compiled import Compiled
from service.base.errors import DeadlineExceeded, RuntimeLost, TensorInvalid
from service.base.signature import Signature, Tensors, TensorSpec
from service.base.wire import pack, socket_address, unpack
from service.runtime.measurement import Rows
from service.runtime.tensorflow import TensorFlowProxy, TensorFlowVersion
from tests.runtime.models import with_golden

SIGNATURE = Signature(
    (TensorSpec("x", "float32", (None, 2)),), (TensorSpec("y", "float32", (None, 1)),)
)
COMPILED = Compiled("k", "tensorflow", SIGNATURE, {}, "h5", "3", 2, 0.0, (), 0.1)
INPUTS = {"x": np.array([[1, 2], [3, 4]], "float32")}

Answer = Callable[[sockets.Connection, Tensors], None]


def add(connection: sockets.Connection, inputs: Tensors) -> None:
    header, payloads = pack({}, {"y": inputs["x"].sum(axis=1, keepdims=True)})
    for message in (header, *payloads):
        connection.send_bytes(message)


def refuse(connection: sockets.Connection, _: Tensors) -> None:
    connection.send_bytes(orjson.dumps({"code": "bad_tensor", "message": "no such word"}))


def fail(connection: sockets.Connection, _: Tensors) -> None:
    connection.send_bytes(orjson.dumps({"code": "runtime_lost", "message": "out of luck"}))


def die(connection: sockets.Connection, _: Tensors) -> None:
    connection.close()


def die_amid(connection: sockets.Connection, inputs: Tensors) -> None:
    connection.send_bytes(pack({}, inputs)[0])
    connection.close()


def stay_silent(connection: sockets.Connection, _: Tensors) -> None:
    with suppress(EOFError, OSError):
        connection.recv_bytes()  # nothing comes: it ends when the proxy closes


class Process:
    """Stands for the TensorFlow process: answers each request as told, the last way for ever."""

    def __init__(self, run_dir: Path, *answers: Answer) -> None:
        self.connections = self.requests = 0
        self._answers = list(answers)
        self._open = ExitStack()  # the address holds for as long as the folder is open
        self._address = self._open.enter_context(socket_address(run_dir))
        self._listener = sockets.Listener(self._address, family="AF_UNIX", backlog=8)
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        self._answers = []
        sockets.Client(self._address, family="AF_UNIX").close()
        for thread in self._threads:
            thread.join()
        self._listener.close()
        self._open.close()

    def _serve(self) -> None:
        while self._answers:
            connection = self._listener.accept()
            self.connections += 1
            thread = threading.Thread(target=self._converse, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _converse(self, connection: sockets.Connection) -> None:
        with connection, suppress(EOFError, OSError):
            while True:
                header = orjson.loads(connection.recv_bytes())
                inputs = unpack(header["tensors"], connection.recv_bytes)
                self.requests += 1
                answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
                answer(connection, inputs)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[TensorFlowProxy]:
    proxy = TensorFlowProxy(tmp_path, 60)
    yield proxy
    proxy.close()


@pytest.fixture
def start(tmp_path: Path, proxy: TensorFlowProxy) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def begin(*answers: Answer) -> Process:
        processes.append(Process(tmp_path, *answers))
        return processes[-1]

    yield begin
    proxy.close()  # first: the process' threads read until then
    for process in processes:
        process.close()


Start = Callable[..., Process]


def test_a_connection_is_used_again(start: Start, proxy: TensorFlowProxy) -> None:
    process = start(add)
    for _ in range(3):
        assert proxy.ask("k", INPUTS)["y"].tolist() == [[3.0], [7.0]]
    assert (process.connections, process.requests) == (1, 3)


def test_what_died_while_idle_or_asked_is_asked_again(start: Start, proxy: TensorFlowProxy) -> None:
    process = start(add, die, add)
    for _ in range(2):
        assert proxy.ask("k", INPUTS)["y"].tolist() == [[3.0], [7.0]]
    assert (process.connections, process.requests) == (2, 3)


def test_it_is_asked_again_once(start: Start, proxy: TensorFlowProxy) -> None:
    process = start(add, die)
    proxy.ask("k", INPUTS)
    with pytest.raises(RuntimeLost, match="ended while it was answering"):
        proxy.ask("k", INPUTS)
    assert process.requests == 3


def test_a_new_connection_that_dies_is_not_tried_again(
    start: Start, proxy: TensorFlowProxy
) -> None:
    process = start(die)
    with pytest.raises(RuntimeLost, match="ended while it was answering"):
        proxy.ask("k", INPUTS)
    assert process.requests == 1


def test_an_answer_that_has_begun_is_not_asked_for_again(
    start: Start, proxy: TensorFlowProxy
) -> None:
    process = start(add, die_amid)
    proxy.ask("k", INPUTS)
    with pytest.raises(RuntimeLost, match="ended while it was answering"):
        proxy.ask("k", INPUTS)
    assert process.requests == 2


def test_without_a_process_it_says_so(proxy: TensorFlowProxy) -> None:
    with pytest.raises(RuntimeLost, match="isn't running yet"):
        proxy.ask("k", INPUTS)


def test_failures_are_told_apart_and_keep_the_connection(
    start: Start, proxy: TensorFlowProxy
) -> None:
    process = start(refuse, fail, add)
    with pytest.raises(TensorInvalid, match="no such word"):
        proxy.ask("k", INPUTS)
    with pytest.raises(RuntimeLost, match="out of luck"):
        proxy.ask("k", INPUTS)
    assert proxy.ask("k", INPUTS)["y"].tolist() == [[3.0], [7.0]]
    assert process.connections == 1


def test_a_deadline_ends_the_wait_and_that_connection(start: Start, proxy: TensorFlowProxy) -> None:
    process = start(stay_silent, add)
    with pytest.raises(DeadlineExceeded, match=r"within 0\.05 seconds"):
        proxy.ask("k", INPUTS, time.monotonic() + 0.05)
    assert proxy.ask("k", INPUTS, time.monotonic() + 60)["y"].tolist() == [[3.0], [7.0]]
    assert process.connections == 2


def test_after_the_deadline_nothing_is_asked(start: Start, proxy: TensorFlowProxy) -> None:
    process = start(add)
    with pytest.raises(DeadlineExceeded):
        proxy.ask("k", INPUTS, time.monotonic())
    assert process.requests == 0


def test_a_version_is_measured_and_its_rows_are_tried(
    start: Start, proxy: TensorFlowProxy, tmp_path: Path
) -> None:
    start(add)
    want = np.array([[3.0], [7.0]], "float32")
    compiled = with_golden(tmp_path, COMPILED, INPUTS["x"], want)
    measured = TensorFlowVersion(proxy, compiled, tmp_path).measured
    assert sorted(measured.times) == [1, 8]
    assert (measured.rows, measured.runtime) == (Rows.INDEPENDENT, "tensorflow")
    assert TensorFlowVersion(proxy, compiled).measured.rows is Rows.UNTRIED


def test_a_version_that_takes_no_zeros_is_loaded_all_the_same(
    start: Start, proxy: TensorFlowProxy
) -> None:
    start(refuse)
    version = TensorFlowVersion(proxy, COMPILED)
    assert version.measured.times == {}
    with pytest.raises(TensorInvalid):
        version.run(INPUTS)


def test_a_process_that_hangs_while_a_version_is_loaded_is_lost(
    start: Start, tmp_path: Path
) -> None:
    impatient = TensorFlowProxy(tmp_path, 0.05)
    start(stay_silent)
    with pytest.raises(RuntimeLost, match="it doesn't answer"):
        TensorFlowVersion(impatient, COMPILED)
    impatient.close()
