"""Unloads and loads a model with tritonclient, as an operator does."""

import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

MODEL = "switched"


def ask(client: triton.InferenceServerClient, x: np.ndarray) -> triton.InferResult:
    given = triton.InferInput("x", list(x.shape), "FP32")
    given.set_data_from_numpy(x)
    return client.infer(MODEL, [given])


def check_loaded(client: triton.InferenceServerClient, x: np.ndarray, y: np.ndarray) -> None:
    """Every worker has it: many requests are answered."""
    assert client.is_model_ready(MODEL)
    assert state(client) == "READY"
    for _ in range(20):
        np.testing.assert_allclose(ask(client, x).as_numpy("probs"), y, atol=1e-5)


def check_unloaded(url: str, x: np.ndarray) -> None:
    """No worker has it; each client has a connection of its own, to either worker."""
    for _ in range(20):
        with triton.InferenceServerClient(urlsplit(url).netloc) as client:
            assert not client.is_model_ready(MODEL)
            assert state(client) == "UNAVAILABLE"
            refuse(MODEL, lambda: ask(client, x))


def state(client: triton.InferenceServerClient) -> str:
    index = client.get_model_repository_index()
    return next(str(entry["state"]) for entry in index if entry["name"] == MODEL)


def refuse(word: str, call: Callable[[], object]) -> None:
    try:
        call()
    except InferenceServerException as error:
        assert word in error.message(), error.message()
    else:
        raise AssertionError(f"was not refused: {word}")


def main(url: str, answers: Path) -> None:
    with np.load(answers / f"{MODEL}-7.npz") as stored:
        x, y = stored["in.x"], stored["out.probs"]
    with triton.InferenceServerClient(urlsplit(url).netloc) as client:
        for with_dependents in (False, True):
            check_loaded(client, x, y)
            client.unload_model(MODEL, unload_dependents=with_dependents)
            check_unloaded(url, x)
            client.load_model(MODEL)
        check_loaded(client, x, y)
        refuse("nobody", lambda: client.load_model("nobody"))
        files = {"file:1/model.keras": b"anything"}
        refuse("", lambda: client.load_model(MODEL, config="{}", files=files))
        check_loaded(client, x, y)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
