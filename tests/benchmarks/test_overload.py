"""The crowd of clients sees who is served, refused, answered wrongly, and how many a second."""

import asyncio
import json

import numpy as np

from benchmarks.answers import Questions
from benchmarks.contestants import Contestant, Kind
from benchmarks.dialects import V1
from benchmarks.models import SLOW
from benchmarks.overload import Crowd, Tally
from benchmarks.samples import Samples
from tests.benchmarks.small_server import serving

ROWS = np.round(np.random.default_rng(0).random((8, 64)), 4).astype(np.float32)
SAMPLES = Samples(SLOW, ROWS, ROWS[:, :10])


def right(body: bytes) -> bytes:
    """What the truth above is."""
    rows = json.loads(body)["instances"]
    return json.dumps({"predictions": [row[:10] for row in rows]}).encode()


def questions(port: int) -> Questions:
    return Questions(Contestant("small", Kind.PEER, ("none",)), port, V1, SAMPLES)


async def offer(port: int, per_s: float, seconds: float) -> tuple[Tally, float]:
    crowd = Crowd(questions(port))
    await crowd.gather(16)
    offered = await crowd.offer(per_s, seconds)
    crowd.leave()
    return crowd.tally, offered


def test_a_steady_pace_is_offered_and_counted() -> None:
    with serving(lambda _number, body: (200, right(body))) as port:
        tally, offered = asyncio.run(offer(port, per_s=200, seconds=0.5))

    assert set(+tally.seen) <= {"accepted", "held_back"}
    assert 0 < offered <= 200
    assert len(tally.took_s) == tally.seen["accepted"] > 0
    assert tally.percentile_ms(99) >= tally.percentile_ms(50) > 0


def test_refusals_and_other_answers_are_told_apart() -> None:
    statuses = [200, 429, 503, 429]

    with serving(lambda number, body: (statuses[number % 4], right(body))) as port:
        tally, _ = asyncio.run(offer(port, per_s=200, seconds=0.5))

    assert tally.seen["refused"] > tally.seen["other"] > 0
    assert tally.seen["accepted"] == len(tally.took_s) > 0


def test_answers_to_somebody_else_are_wrong() -> None:
    always = right(V1.ask(SLOW, ROWS[:1]).body)

    with serving(lambda _number, _body: (200, always)) as port:
        tally, _ = asyncio.run(offer(port, per_s=200, seconds=0.3))

    assert tally.seen["wrong"] > tally.seen["accepted"] > 0


def test_nonsense_is_wrong() -> None:
    with serving(lambda _number, _body: (200, b"{}")) as port:
        tally, _ = asyncio.run(offer(port, per_s=100, seconds=0.2))

    assert tally.seen["wrong"] > 0
    assert not tally.seen["accepted"]


def test_patient_clients_press_as_fast_as_they_are_served() -> None:
    async def press(port: int) -> float:
        crowd = Crowd(questions(port))
        await crowd.gather(4)
        rate = await crowd.press(0.3)
        crowd.leave()
        assert crowd.tally.seen["lost"] == 0
        return rate

    with serving(lambda _number, body: (200, right(body))) as port:
        assert asyncio.run(press(port)) > 50
