"""CRC-32C (Castagnoli) at the speed of NumPy: what TensorFlow's files are checked with."""

from functools import lru_cache

import numpy as np

POLYNOMIAL = 0x82F63B78
ALL_ONES = 0xFFFFFFFF
MASK_DELTA = 0xA282EAD8
CHUNK = 4 * 1024**2
LANES = 4096
SHORTEST_LANE = 4


def masked_crc32c(content: bytes | memoryview) -> int:
    """The checksum as TensorFlow stores it: rotated, and a constant added."""
    crc = crc32c(content)
    return (((crc >> 15) | (crc << 17)) + MASK_DELTA) & ALL_ONES


def crc32c(content: bytes | memoryview) -> int:
    """The checksum."""
    values = np.frombuffer(content, np.uint8)
    state = ALL_ONES
    for start in range(0, len(values), CHUNK):
        state = _advance(state, values[start : start + CHUNK])
    return state ^ ALL_ONES


def _advance(state: int, values: np.ndarray) -> int:
    """The state after some more bytes.

    They are cut into lanes, which go through the table side by side; a checksum being linear, the
    lanes' results are joined by shifting each over the length of the next.
    """
    length = len(values) // LANES
    if length < SHORTEST_LANE:
        return _extend(state, values.tobytes())
    table = _table()
    columns = np.ascontiguousarray(values[: LANES * length].reshape(LANES, length).T)
    lanes = np.zeros(LANES, np.uint32)
    lanes[0] = state
    for column in columns:
        lanes = table[(lanes ^ column) & 0xFF] ^ (lanes >> 8)
    joined = _join(lanes.tolist(), length)
    return _extend(joined, values[LANES * length :].tobytes())


def _extend(crc: int, content: bytes) -> int:
    table = _table_list()
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def _join(lanes: list[int], length: int) -> int:
    """The state after all lanes, each `length` bytes long."""
    first, second, third, fourth = _shift_tables(length)
    crc = lanes[0]
    for lane in lanes[1:]:
        shifted = first[crc & 0xFF] ^ second[crc >> 8 & 0xFF]
        crc = shifted ^ third[crc >> 16 & 0xFF] ^ fourth[crc >> 24] ^ lane
    return crc


@lru_cache(maxsize=64)
def _shift_tables(length: int) -> list[list[int]]:
    """What each byte of a state becomes after `length` zero bytes."""
    columns = _power([_extend(1 << bit, b"\0") for bit in range(32)], length)
    return [[_apply(columns, value << (8 * byte)) for value in range(256)] for byte in range(4)]


def _power(columns: list[int], exponent: int) -> list[int]:
    """A matrix over two elements, given by its columns, to a power."""
    result = [1 << bit for bit in range(32)]
    while exponent:
        if exponent & 1:
            result = [_apply(columns, column) for column in result]
        columns = [_apply(columns, column) for column in columns]
        exponent >>= 1
    return result


def _apply(columns: list[int], vector: int) -> int:
    result = 0
    for bit in range(32):
        if vector >> bit & 1:
            result ^= columns[bit]
    return result


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(POLYNOMIAL), table >> 1)
    return table


@lru_cache(maxsize=1)
def _table_list() -> list[int]:
    values: list[int] = _table().tolist()
    return values
