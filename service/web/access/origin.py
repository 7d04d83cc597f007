"""Open access on loopback is for programs of this machine, not for web pages that it shows.

A page of any site can have a browser send requests to a loopback address, with `Origin`; and one
whose own name was pointed there meanwhile (DNS rebinding) even without, but then its name stands
in `Host`. What a proxy of this machine hands on may come from anywhere.
"""

import re
from ipaddress import ip_address

from service.base.http_errors import Forbidden
from service.web.exchange import Headers

PORT = re.compile(r":[0-9]*$")
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host", "via")


def check_no_page(headers: Headers) -> None:
    """Raise Forbidden for an order that a web page may have sent."""
    if b"origin" in headers:
        raise Forbidden(
            "Web pages may not change anything here: the request has an Origin, and access is "
            "open; with keys (kerasd keys add) they may"
        )
    check_host(headers)


def check_host(headers: Headers) -> None:
    """Raise Forbidden where the request is for a name that another site may have, or was handed on
    by a proxy.
    """
    handed_on = next((name for name in FORWARDED if name.encode() in headers), None)
    if handed_on is not None:
        raise Forbidden(
            f"The request came through a proxy ({handed_on}): where access is open, changes and "
            'what tells of them are for this machine alone; set access = "keys"'
        )
    host = headers.get(b"host", b"").decode("latin-1")
    if host and not is_own(host):
        raise Forbidden(
            f"Host '{host[:80]}': where access is open, changes and what tells of them are asked "
            "of localhost or of an IP address; other names need keys (kerasd keys add)"
        )


def is_own(host: str) -> bool:
    """True for a host, with or without a port, that no other site can be called."""
    name = PORT.sub("", host).rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
    except ValueError:
        return False
    return True
