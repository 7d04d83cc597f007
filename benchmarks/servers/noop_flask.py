"""The least that a Flask prediction route can cost: read the body, answer a constant."""

from flask import Flask, Response, request

from benchmarks.servers import constants

app = Flask(__name__)


@app.post(constants.RAW_PATH)
@app.post("/v1/models/<name>:predict")
def predict(name: str = "") -> Response:
    """Take the whole body in, as any real route must, and ignore it."""
    content, content_type = constants.answer(request.path, len(request.get_data()))
    return Response(content, content_type=content_type)
