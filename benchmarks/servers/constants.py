"""Answers as long as real ones, for servers that predict nothing."""

import json

MANY_ROWS_BYTES = 100_000
ROWS, CLASSES = 256, 10
RAW_PATH = "/raw"
JSON, OCTETS = "application/json", "application/octet-stream"


def predictions(rows: int) -> bytes:
    """JSON for so many rows."""
    answer = {
        "predictions": [[0.10234567] * CLASSES] * rows,
        "decisions": [0] * rows,
        "model_version": "1",
    }
    return json.dumps(answer, separators=(",", ":")).encode()


ONE, MANY = predictions(1), predictions(ROWS)
NUMBERS = bytes(4 * CLASSES * ROWS)


def answer(path: str, body_bytes: int) -> tuple[bytes, str]:
    """The answer to a body of this size, and its content type."""
    if path == RAW_PATH:
        return NUMBERS, OCTETS
    return MANY if body_bytes > MANY_ROWS_BYTES else ONE, JSON
