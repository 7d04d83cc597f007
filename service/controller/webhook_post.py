"""One POST to whoever wants to hear of something, over in so many seconds whatever the other does.

The deadline is for all of it: connecting, TLS, sending, and the head of the answer, of which the
first line is read and no more than a few KiB are taken. What addresses a name has is asked once, in
the resolver's own time, and the connection goes to one of these.
"""

import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

DEADLINE_S = 10.0
CONNECT_S = 3.0
MOST_ADDRESSES = 4
MOST_HEAD = 16 * 1024
PIECE = 4096
STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
END = re.compile(rb"\r?\n\r?\n")
IN_A_TARGET = "/%:@!$&'()*+,;=~?-._"


class PostFailed(Exception):
    """It was not told; the text holds nothing of the URL, which may have a secret in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect to; `is_tls` if the other one speaks TLS."""

    host: str
    port: int
    is_tls: bool

    @classmethod
    def of(cls, url: SplitResult) -> "Place":
        """The server of a URL. Raises ValueError for a port that can't be."""
        is_tls = url.scheme == "https"
        return cls(url.hostname or "", url.port or (443 if is_tls else 80), is_tls)

    @property
    def name(self) -> str:
        """As `Host` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host.encode("idna").decode()
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


class _Exchange:
    """A connection whose every wait ends at the same moment."""

    def __init__(self, place: Place, deadline_s: float) -> None:
        self._end_at = time.monotonic() + deadline_s
        self._socket = self._connect(place)

    def close(self) -> None:
        self._socket.close()

    def secure(self, host: str) -> None:
        """Go on in TLS, with who can prove to be this host."""
        self._wait()
        context = ssl.create_default_context()
        self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def send(self, head: list[str], body: bytes = b"") -> None:
        """The whole of a request; `sendall` counts its time over all pieces."""
        self._wait()
        self._socket.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def status(self, *, is_whole: bool = False) -> int:
        """The status of the answer, once its first line is here, or all of its head."""
        head = b""
        while True:
            line, end = STATUS.match(head), END.search(head)
            if line is None and b"\n" in head:
                raise PostFailed("the answer is not HTTP")
            if line is not None and line[1].startswith(b"1"):  # not the answer yet
                if end is not None:
                    head = head[end.end() :]
                    continue
            elif line is not None and (end is not None or not is_whole):
                return int(line[1])
            if len(head) > MOST_HEAD:
                raise PostFailed("the head of the answer is too long")
            self._wait()
            piece = self._socket.recv(PIECE)
            if not piece:
                raise PostFailed("the connection was closed before an answer")
            head += piece

    def _connect(self, place: Place) -> socket.socket:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        why: Exception = PostFailed("the host has no address")
        for family, kind, protocol, _, address in found[:MOST_ADDRESSES]:
            if not may_be_told(str(address[0])):
                why = PostFailed("the host's address is link-local, or none of a host")
                continue
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(min(CONNECT_S, self._left()))
                made.connect(address)
            except (OSError, PostFailed) as error:
                made.close()
                why = error
            else:
                return made
        raise why

    def _wait(self) -> None:
        self._socket.settimeout(self._left())

    def _left(self) -> float:
        left = self._end_at - time.monotonic()
        if left <= 0:
            raise PostFailed("not answered in time")
        return left


def post(url: str, body: bytes, headers: Mapping[str, str], deadline_s: float = DEADLINE_S) -> int:
    """The status of the answer. Raises PostFailed, OSError, ValueError.

    The environment's proxies are used. Redirections aren't followed: whoever answers with another
    address could have this machine ask where only it may ask.
    """
    told = urlsplit(url)
    place = Place.of(told)
    through = None if proxy_bypass(place.host) else _proxy_for(told.scheme)
    exchange = _Exchange(Place.of(through) if through else place, deadline_s)
    try:
        target = quote(told.path or "/", safe=IN_A_TARGET)
        target += f"?{quote(told.query, safe=IN_A_TARGET)}" if told.query else ""
        own = [f"{name}: {value}" for name, value in headers.items()]
        if through is not None:
            if through.scheme == "https":
                exchange.secure(through.hostname or "")
            if place.is_tls:
                _open_tunnel(exchange, place, through)
            else:
                target = f"http://{place.name}{target}"
                own += _credentials("Proxy-Authorization", through)
        if place.is_tls:
            exchange.secure(place.host)
        length, closing = f"Content-Length: {len(body)}", "Connection: close"
        head = [f"POST {target} HTTP/1.1", f"Host: {place.name}", length, closing]
        exchange.send([*head, *_credentials("Authorization", told), *own], body)
        return exchange.status()
    finally:
        exchange.close()


def may_be_told(address: str) -> bool:
    """False for what is no host of a network: under link-local addresses clouds give out their
    machines' credentials.
    """
    told = ip_address(address.partition("%")[0])
    if isinstance(told, IPv6Address) and told.ipv4_mapped is not None:
        told = told.ipv4_mapped
    return not (told.is_link_local or told.is_multicast or told.is_unspecified)


def _proxy_for(scheme: str) -> SplitResult | None:
    """The environment's proxy, which may stand there without a scheme: `proxy:3128`."""
    said = getproxies().get(scheme, "")
    proxy = urlsplit(said if "//" in said else f"http://{said}")
    return proxy if proxy.hostname else None


def _open_tunnel(exchange: _Exchange, place: Place, proxy: SplitResult) -> None:
    where = place.name if place.port != 443 else f"{place.name}:443"
    head = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    exchange.send([*head, *_credentials("Proxy-Authorization", proxy)])
    status = exchange.status(is_whole=True)
    if status != 200:
        raise PostFailed(f"the proxy answered {status}")


def _credentials(name: str, url: SplitResult) -> list[str]:
    """What a URL says before its host."""
    if url.username is None:
        return []
    told = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
    return [f"{name}: Basic {b64encode(told).decode()}"]
