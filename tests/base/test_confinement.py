"""What a child process can't do any more after it confined itself."""

import os
import signal
import subprocess
import sys

import pytest

from tests.lacking import lacking

pytestmark = pytest.mark.slow

CONFINE = """
from service.base.confinement import Limits, confine
import sys
import os
confine(Limits(address_space=1 << 30, cpu_s=2, file_size=1 << 20), os.getppid())
"""
DIE_WITH_PARENT = """
import os, signal, sys
from service.base.confinement import die_with_parent
die_with_parent(os.getppid())
os.write(int(sys.argv[1]), b"x")
signal.pause()
"""
PARENT = """
import subprocess, sys
pipe = int(sys.argv[1])
child = [sys.executable, "-c", sys.argv[2], sys.argv[1]]
subprocess.Popen(child, pass_fds=(pipe,)).wait()
"""
CONNECT = """
import socket
from service.base.confinement import leave_network
listener = socket.create_server(("127.0.0.1", 0))
if not leave_network():
    print("kept")
else:
    try:
        socket.create_connection(listener.getsockname(), timeout=5)
    except OSError:
        print("left")
"""


def _run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_memory_is_limited() -> None:
    ended = _run(CONFINE + "bytearray(2 << 30)")

    assert "MemoryError" in ended.stderr


def test_a_file_can_not_grow_beyond_the_limit(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("scratch") / "large"

    ended = _run(CONFINE + f"open({str(path)!r}, 'wb').write(bytes(2 << 20))")

    assert "File too large" in ended.stderr
    assert path.stat().st_size <= 1 << 20


def test_an_endless_loop_is_ended_by_the_kernel() -> None:
    ended = _run(CONFINE + "while True: pass")

    assert ended.returncode < 0


def test_a_child_that_left_the_network_reaches_nobody() -> None:
    ended = _run(CONNECT)

    if ended.stdout == "kept\n":
        lacking("this platform doesn't let a process leave the network")
    assert ended.stdout == "left\n"


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    ended = _run("from service.base.confinement import die_with_parent; die_with_parent(1 << 30)")

    assert ended.returncode == -signal.SIGKILL


def test_a_child_ends_with_its_parent() -> None:
    reader, writer = os.pipe()
    command = [sys.executable, "-c", PARENT, str(writer), DIE_WITH_PARENT]
    with subprocess.Popen(command, pass_fds=(writer,)) as parent, open(reader, "rb", 0) as pipe:
        os.close(writer)
        assert pipe.read(1) == b"x"  # the child lives

        parent.kill()

        assert pipe.read(1) == b""  # whoever could write is gone: the child, too
