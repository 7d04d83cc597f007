"""The checksum of TensorFlow's files, against the published examples and itself."""

import numpy as np
import pytest

from service.loading.files.crc32c import CHUNK, LANES, crc32c, masked_crc32c


@pytest.mark.parametrize(
    ("content", "expected"),
    [  # RFC 3720, B.4
        (b"\0" * 32, 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_published_examples(content: bytes, expected: int) -> None:
    assert crc32c(content) == expected


@pytest.mark.parametrize("length", [LANES * 4 - 1, LANES * 4, LANES * 9 + 5, CHUNK + LANES * 5 + 3])
def test_lanes_give_what_one_byte_after_the_other_gives(length: int) -> None:
    content = np.random.default_rng(length).integers(0, 256, length, np.uint8).tobytes()
    table = [_slow_entry(byte) for byte in range(256)]
    state = 0xFFFFFFFF
    for byte in content:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)

    assert crc32c(content) == state ^ 0xFFFFFFFF


def test_every_flipped_bit_shows() -> None:
    content = bytearray(range(256)) * 80
    whole = masked_crc32c(bytes(content))
    for position in range(0, len(content), 997):
        content[position] ^= 1 << position % 8
        assert masked_crc32c(bytes(content)) != whole
        content[position] ^= 1 << position % 8


def _slow_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte
