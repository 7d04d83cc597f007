"""Who gets the canary: a fair share, the same ones each time, nobody leaves as the share grows."""

import hashlib
import subprocess
import sys
from itertools import pairwise

import pytest

from service.runtime.directions import Split
from service.web.canary import is_chosen, key_of, place_of

KEYS = [f"client-{number}".encode() for number in range(20_000)]
CRITICAL = 43.82  # of chi-square with 19 degrees of freedom, at 0.001


def chosen(share: float, version: int = 2, model: str = "m") -> set[bytes]:
    split = Split(version, share)
    return {key for key in KEYS if is_chosen(split, model, key)}


@pytest.mark.parametrize("keys", [KEYS, [bytes([i % 256, i // 256]) for i in range(20_000)]])
def test_places_are_spread_evenly(keys: list[bytes]) -> None:
    counts = [0] * 20
    for key in keys:
        counts[int(place_of("m", 2, key) * 20)] += 1
    expected = len(keys) / 20
    assert sum((count - expected) ** 2 / expected for count in counts) < CRITICAL


def test_a_place_is_the_same_in_every_process_and_release() -> None:
    """Worked out another way: were it to change, clients would change sides at an update."""
    digest = hashlib.blake2b(b"digits\x007\x00client-1", digest_size=8).digest()
    assert place_of("digits", 7, b"client-1") == int.from_bytes(digest, "big") // 2**11 / 2**53
    code = "from service.web.canary import place_of; print(place_of('digits', 7, b'client-1'))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert float(told.stdout) == place_of("digits", 7, b"client-1")


def test_the_share_is_kept() -> None:
    for share in (0.001, 0.05, 0.5, 0.99):
        deviation = (share * (1 - share) / len(KEYS)) ** 0.5
        assert len(chosen(share)) / len(KEYS) == pytest.approx(share, abs=4 * deviation)


def test_whoever_is_in_stays_in_when_the_share_grows() -> None:
    shares = [chosen(percent / 100) for percent in (1, 5, 5.5, 20, 60, 99, 100)]
    for smaller, larger in pairwise(shares):
        assert smaller < larger
    assert shares[-1] == set(KEYS)
    assert chosen(0.0) == set()


def test_each_version_of_each_model_is_tried_by_others() -> None:
    base = chosen(0.1)
    for other in (chosen(0.1, version=3), chosen(0.1, model="n")):
        assert len(base & other) / len(KEYS) == pytest.approx(0.01, abs=0.004)


class TestKeys:
    HEADERS = {b"x-user": b"ada", b"x-request-id": b"r-1"}  # noqa: RUF012 (never changed)

    @pytest.mark.parametrize(
        ("header", "headers", "key"),
        [
            (b"x-user", HEADERS, b"ada"),
            (b"", HEADERS, b"r-1"),
            (b"x-tenant", HEADERS, b"r-1"),
            (b"x-user", {b"x-user": b"", b"x-request-id": b"r-2"}, b"r-2"),
            (b"x-user", {}, b"8 drawn"),
        ],
    )
    def test_the_chosen_header_then_the_id_then_chance(
        self, header: bytes, headers: dict[bytes, bytes], key: bytes
    ) -> None:
        def draw(size: int) -> bytes:
            return b"%d drawn" % size

        assert key_of(Split(2, 0.5, header), headers, draw) == key

    def test_requests_without_any_are_told_apart(self) -> None:
        assert key_of(Split(2, 0.5), {}) != key_of(Split(2, 0.5), {})
