"""What a container's HEALTHCHECK runs: whether the kerasd of this container is ready.

    python -I -m service.base.probe HOST PORT

Healthy is what others may begin to rely on: /readyz answers 200, and does so for good once it did.
A container in which neither `kerasd serve` nor `kerasd web` runs has no port to be asked at: it is
healthy as long as its process is there. This runs every few seconds, so it imports next to nothing.
"""

import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

PROCESSES = Path("/proc")
PROGRAMS = (b"kerasd", b"service.cli.main")
ANSWERING = (b"serve", b"web")
KEEPER = (b"-m", b"service.cli.keeper")  # what `kerasd serve` becomes
HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
TIMEOUT_S = 2.0
REQUEST = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def main(arguments: Sequence[str]) -> int:
    """0 when it is healthy; else 1, with a line that says why."""
    if not is_asked(command_lines()):
        return 0
    host, port = arguments
    try:
        why = ask(HERE.get(host, host), int(port))
    except OSError as error:
        why = f"no answer: {error}"
    if why:
        print(why)
    return 1 if why else 0


def command_lines(processes: Path = PROCESSES) -> Iterator[list[bytes]]:
    """The words of every process's command line."""
    for file in processes.glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            yield file.read_bytes().split(b"\0")


def is_asked(commands: Iterable[Sequence[bytes]]) -> bool:
    """Whether one of them answers requests."""
    return any(
        (command in ANSWERING and program.rpartition(b"/")[2] in PROGRAMS)
        or (program, command) == KEEPER
        for words in commands
        for program, command in pairwise(words)
    )


def ask(host: str, port: int) -> str:
    """Why it isn't ready; empty when it is. Raises OSError when nobody answers in time."""
    with socket.create_connection((host, port), TIMEOUT_S) as connection:
        connection.sendall(REQUEST)
        with connection.makefile("rb") as answer:
            status = answer.readline().decode("latin-1").strip()
            return "" if " 200 " in status else f"{status}: {_body(answer.read())}"


def _body(rest: bytes) -> str:
    return rest.partition(b"\r\n\r\n")[2].decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
