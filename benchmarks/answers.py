"""Whether a server predicts what Keras predicts; nothing is measured that does not."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.server import Server, ServerFailed
from benchmarks.workloads import Samples

TOLERANCE = 1e-4
AT_ONCE = 16
SINGLES = 48


def check(server: Server, samples: Samples) -> float:
    """Ask for single rows, then for all in one request; answer the largest difference from Keras.

    The single rows differ and come sixteen at a time: a batcher that mixes requests up is caught.
    Of a constant answer only the shape is held against Keras. Raises ServerFailed.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        worst = max(pool.map(lambda first: _difference(server, samples, first, 1), range(SINGLES)))
    worst = max(worst, _difference(server, samples, 0, len(samples.rows)))
    if not worst <= TOLERANCE:  # not a number is a wrong answer, too
        name = server.contestant.name
        raise ServerFailed(f"{name}: wrong answers, up to {worst:.2g} from those of Keras")
    return worst


def _difference(server: Server, samples: Samples, first: int, count: int) -> float:
    name = server.contestant.name
    answer = server.ask(samples.body(first, count))
    truth = samples.truth[first : first + count]
    try:
        got = np.array(json.loads(answer)["predictions"], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise ServerFailed(f"{name}: no predictions in the answer {answer[:200]!r}") from error
    if got.shape != truth.shape:
        raise ServerFailed(
            f"{name}: predictions of shape {got.shape} where Keras has {truth.shape}"
        )
    if server.contestant.is_constant:
        return 0.0
    return float(np.abs(got - truth).max())
