"""Answers are held against the truth, row by row and all at once."""

import json

import numpy as np
import pytest

from benchmarks.answers import AnswerFailed, Questions
from benchmarks.contestants import Contestant, Kind
from benchmarks.dialects import V1
from tests.benchmarks.small_server import Respond, serving
from tests.benchmarks.test_overload import SAMPLES, right


def check(respond: Respond, kind: Kind = Kind.PEER) -> float:
    with serving(respond) as port:
        return Questions(Contestant("small", kind, ("none",)), port, V1, SAMPLES).check()


def test_right_answers_are_close() -> None:
    assert check(lambda _number, body: (200, right(body))) < 1e-6


def test_rows_of_somebody_else_are_noticed() -> None:
    def mix_up(_number: int, body: bytes) -> tuple[int, bytes]:
        rows = json.loads(right(body))["predictions"]
        return 200, json.dumps({"predictions": rows[::-1]}).encode()

    with pytest.raises(AnswerFailed, match="wrong answers"):
        check(mix_up)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"oh", "answered 500"),
        (200, b"oh", "no predictions"),
        (200, b'{"predictions": [1]}', "shape"),
        (200, json.dumps({"predictions": [[float("nan")] * 10]}).encode(), "wrong answers"),
    ],
)
def test_what_is_no_answer_says_so(status: int, body: bytes, reason: str) -> None:
    with pytest.raises(AnswerFailed, match=reason):
        check(lambda _number, _body: (status, body))


def test_of_a_constant_only_the_status_counts() -> None:
    assert check(lambda _number, _body: (200, b"constant"), Kind.LIMIT) == 0


def test_the_truth_is_different_for_each_row() -> None:
    assert len(np.unique(SAMPLES.truth, axis=0)) == len(SAMPLES.rows)
