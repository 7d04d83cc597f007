"""A receipt costs no more than a few microseconds: it is made on the event loop."""

import timeit

import numpy as np
import pytest

from service.quality.predicted import Kind, Shape, pack_classes
from tests.quality.keys import Clock, KeyList, receipts_of

pytestmark = [pytest.mark.slow, pytest.mark.alone]

MOST_S = 5e-6
CALLS = 20_000


def test_one_row_of_a_binary_model() -> None:
    issuer = receipts_of(KeyList("0a1b2c3d"), Clock()).issuer("cancer", 1, Shape(Kind.CLASSES, 2))
    index, score = np.array([1]), np.array([0.98], np.float32)

    def issue() -> None:
        issuer.issue(pack_classes(2, index, score), 1)

    best = min(timeit.repeat(issue, number=CALLS, repeat=7)) / CALLS
    print(f"{best * 1e6:.2f} microseconds")
    assert best < MOST_S
