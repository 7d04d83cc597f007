"""Orders of an operator's from those who have no right to give them."""

from collections.abc import Iterator

from tests.attacks.requests import MODEL, Hostile, head, post

NO_RIGHT = (401, 403)
LOAD = f"/v2/repository/models/{MODEL}/load"
ORDERS = {"load": LOAD, "unknown": f"/v1/admin/models/{MODEL}/load"}
GIVEN = {
    "none": (),
    "wrong": (("Authorization", "Bearer wrong"),),
    "empty": (("Authorization", "Bearer "),),
    "basic": (("Authorization", "Basic YTpi"),),
    "two": (("Authorization", "Bearer a"), ("Authorization", "Bearer b")),
    "long": (("Authorization", "Bearer " + "a" * 7000),),
    "latin": (("Authorization", "Bearer \u00e9\u00ff"),),
    "cookie": (("Cookie", "token=wrong"),),
    "page": (("Origin", "http://evil.invalid"), ("Content-Type", "text/plain")),
    "forwarded": (("X-Forwarded-For", "127.0.0.1"), ("X-Original-URL", "/livez")),
    "method": (("X-HTTP-Method-Override", "GET"),),
}
VERBS = ("DELETE", "PUT", "PATCH", "OPTIONS", "BREW")


def access_requests() -> list[Hostile]:
    """All of them; for a service that asks for keys."""
    return list(_orders())


def _orders() -> Iterator[Hostile]:
    for name, path in ORDERS.items():
        for fault, headers in GIVEN.items():
            sent = post(path, b"{}", *headers)
            yield Hostile(f"order_{name}_{fault}", "access", (sent,), NO_RIGHT)
        asked = post(f"{path}?token=wrong&api_key=wrong", b"{}")
        yield Hostile(f"order_{name}_query", "access", (asked,), NO_RIGHT)
    for verb in VERBS:
        sent = head(f"{verb} {LOAD} HTTP/1.1", ("Connection", "close"))
        yield Hostile(f"order_{verb.lower()}", "access", (sent,), (*NO_RIGHT, 400, 405))
