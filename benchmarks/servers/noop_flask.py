"""The least that a Flask prediction route can cost: read the body, answer a constant."""

import json

from flask import Flask, Response, request

MANY_ROWS_BYTES = 100_000


def constant(rows: int) -> bytes:
    """An answer as long as a real one for so many rows."""
    predictions = [[0.10234567] * 10] * rows
    answer = {"predictions": predictions, "decisions": [0] * rows, "model_version": "1"}
    return json.dumps(answer, separators=(",", ":")).encode()


ONE, MANY = constant(1), constant(256)
app = Flask(__name__)


@app.get("/readyz")
def ready() -> str:
    """Say that this worker answers."""
    return "ready"


@app.post("/v1/models/<name>:predict")
def predict(name: str) -> Response:
    """Take the whole body in, as any real route must, and ignore it."""
    body = request.get_data()
    return Response(MANY if len(body) > MANY_ROWS_BYTES else ONE, mimetype="application/json")
