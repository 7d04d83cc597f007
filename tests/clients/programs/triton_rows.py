"""Eight threads of tritonclient ask at once, each for rows of its own, and get just these."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http as triton

THREADS, REQUESTS = 8, 150
MODELS = {"churn": "probs", "series": "kind", "half_plus_two": "y"}


def ask_often(netloc: str, model: str, stored: dict[str, np.ndarray], seed: int) -> int:
    """Ask for random choices of rows; how many rows were right."""
    random = np.random.default_rng(seed)
    x, y = stored["in.x"], stored[f"out.{MODELS[model]}"]
    right = 0
    with triton.InferenceServerClient(netloc) as client:
        for _ in range(REQUESTS):
            chosen = random.integers(0, len(x), random.integers(1, 5))
            given = triton.InferInput("x", list(x[chosen].shape), "FP32")
            given.set_data_from_numpy(x[chosen], binary_data=bool(random.integers(2)))
            answer = client.infer(model, [given]).as_numpy(MODELS[model])
            np.testing.assert_allclose(answer, y[chosen], atol=1e-5)
            right += len(chosen)
    return right


def main(url: str, answers: Path) -> None:
    netloc = urlsplit(url).netloc
    for model in MODELS:
        with np.load(answers / f"{model}-64.npz") as file:
            stored = dict(file)
        with ThreadPoolExecutor(THREADS) as pool:
            asked = [pool.submit(ask_often, netloc, model, stored, n) for n in range(THREADS)]
            assert all(one.result() >= REQUESTS for one in asked)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    print("done")
