"""A server on loopback that speaks TLS."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextmanager
def tls_receiver(certificate: Path, key: Path) -> Iterator[str]:
    """Its address; each client that gets through the handshake is answered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client, suppress(OSError):
                        client.settimeout(10)
                        with context.wrap_socket(client, server_side=True) as secured:
                            secured.recv(65536)
                            secured.sendall(ANSWER)

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}/hook"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
