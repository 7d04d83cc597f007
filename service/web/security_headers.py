"""Headers that tell browsers and caches what not to do with an answer."""

Headers = tuple[tuple[str, str], ...]

EVERYWHERE: Headers = (("X-Content-Type-Options", "nosniff"),)
PRIVATE: Headers = (
    *EVERYWHERE,
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
)
PAGES = frozenset(("/docs", "/openapi.json"))


def security_headers(path: str) -> Headers:
    """Those of an answer that has none of its own; what tells of models is for its caller alone."""
    return EVERYWHERE if path.rstrip("/") in PAGES else PRIVATE
