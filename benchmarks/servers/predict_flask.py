"""What tutorials show: load the model in the worker, call model.predict() in the route."""

import os

import keras
import numpy as np
from flask import Flask, Response, jsonify, request

model = keras.models.load_model(os.environ["BENCHMARK_MODEL"], compile=False)
# The first call traces the graph; no request should wait for that.
model.predict(np.zeros((1, *model.input_shape[1:]), dtype=np.float32), verbose=0)
app = Flask(__name__)


@app.post("/v1/models/<name>:predict")
def predict(name: str) -> Response:
    """Decode, predict, encode: nothing is batched, nothing is tuned."""
    rows = np.array(request.get_json()["instances"], dtype=np.float32)
    return jsonify({"predictions": model.predict(rows, verbose=0).tolist()})
