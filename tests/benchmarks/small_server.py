"""A server of its own thread that answers what it was made to answer, one request at a time."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Respond = Callable[[int, bytes], tuple[int, bytes]]


@contextmanager
def serving(respond: Respond) -> Iterator[int]:
    """Serve on a loopback port; `respond` gets the number of the request and its body."""
    lock, numbers = threading.Lock(), iter(range(10**9))

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                length = 0
                while (line := self.rfile.readline().strip().lower()) != b"":
                    if line.startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                body = self.rfile.read(length)
                with lock:
                    status, answer = respond(next(numbers), body)
                head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(answer)}\r\n\r\n"
                self.wfile.write(head.encode() + answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 1024

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
