"""Whether a server predicts what Keras predicts; nothing is measured that does not."""

import http
import http.client
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.contestants import Contestant
from benchmarks.dialects import Dialect, Headers, Request
from benchmarks.samples import Samples

ANSWER_TIMEOUT_S = 60
TOLERANCE = 1e-4
AT_ONCE = 16
SINGLES = 48


class AnswerFailed(Exception):
    """A contestant did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Questions:
    """A contestant on a port, asked in one dialect about rows of which the truth is known."""

    contestant: Contestant
    port: int
    dialect: Dialect
    samples: Samples

    def check(self) -> float:
        """Ask for single rows, then for all in one request; answer the largest difference.

        The single rows differ and come sixteen at a time: a batcher that mixes requests up is
        caught. Raises AnswerFailed.
        """
        with ThreadPoolExecutor(AT_ONCE) as pool:
            worst = max(pool.map(self._single, range(SINGLES)))
        return max(worst, self.difference(slice(None)))

    def difference(self, rows: slice) -> float:
        """How far one answer is from Keras; of a constant only that there is one counts.

        Raises AnswerFailed where it is further than rounding explains.
        """
        name = self.contestant.name
        samples = self.samples
        request = self.dialect.ask(samples.model, samples.rows[rows])
        try:
            status, headers, body = _post(self.port, request)
        except (OSError, http.client.HTTPException) as error:
            raise AnswerFailed(f"{name} does not answer: {error!r}") from error
        if status != http.HTTPStatus.OK:
            raise AnswerFailed(f"{name} answered {status}: {body[:300]!r}")
        if self.contestant.is_constant:
            return 0.0
        return self._compare(headers, body, samples.truth[rows])

    def _single(self, number: int) -> float:
        row = number % len(self.samples.rows)
        return self.difference(slice(row, row + 1))

    def _compare(self, headers: Headers, body: bytes, truth: Any) -> float:
        name = self.contestant.name
        try:
            got: Any = np.asarray(self.dialect.read(headers, body), dtype=np.float64)
        except (LookupError, TypeError, ValueError) as error:
            raise AnswerFailed(f"{name}: no predictions in the answer {body[:200]!r}") from error
        if got.size != truth.size:
            raise AnswerFailed(f"{name}: shape {got.shape} where Keras has {truth.shape}")
        worst = float(np.abs(got.reshape(truth.shape) - truth).max())
        if not worst <= TOLERANCE:  # not a number is a wrong answer, too
            raise AnswerFailed(f"{name}: wrong answers, up to {worst:.2g} from those of Keras")
        return worst


def _post(port: int, request: Request) -> tuple[int, Headers, bytes]:
    """One request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("POST", request.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read()
    finally:
        connection.close()
