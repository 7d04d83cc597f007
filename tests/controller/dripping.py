"""A server on loopback that answers as slowly, or as much, as a test wants."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PACE_S = 0.01


@dataclass(slots=True)
class Dripping:
    """What it has heard, and where it listens."""

    port: int
    heard: list[bytes] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def dripping(answer: bytes, pieces: int = 1, pace_s: float = PACE_S) -> Iterator[Dripping]:
    """Each client gets so many bytes of the answer at a time, and all of it again for ever."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Dripping(listener.getsockname()[1])

        def serve(client: socket.socket) -> None:
            with client, suppress(OSError):
                made.heard.append(client.recv(65536))
                at = 0
                while answer and not over.wait(pace_s):
                    client.sendall(answer[at : at + pieces])
                    at = (at + pieces) % len(answer)
                over.wait(20)
            made.left.set()

        def listen() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threads.append(threading.Thread(target=serve, args=(client,)))
                    threads[-1].start()

        threads = [threading.Thread(target=listen)]
        threads[0].start()
        try:
            yield made
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
