"""The text of a key."""

import hashlib

import pytest

from service.base.key_text import SECRET_BYTES, digest, make_key, split_key


def test_a_key_has_an_id_and_256_bits_that_are_nowhere_else() -> None:
    keys = [make_key() for _ in range(200)]

    assert SECRET_BYTES * 8 >= 256
    for key in keys:
        parts = split_key(key.text.encode())
        assert parts is not None
        identifier, secret = parts
        assert identifier == key.id
        assert hashlib.sha256(secret).hexdigest() == key.sha256 == digest(secret).hex()
        assert secret.decode() not in key.sha256 + key.id
        assert len(key.text) == len("kerasd_") + 12 + 1 + 43
    assert len({key.text for key in keys}) == len(keys)
    assert len({key.id for key in keys}) == len(keys)


GOOD = make_key().text


@pytest.mark.parametrize(
    "text",
    ["", "kerasd_", GOOD[:-1], f"{GOOD}x", f" {GOOD}", f"{GOOD}\n", GOOD.upper(), GOOD[7:]],
    ids=["empty", "start", "short", "long", "space", "line", "upper", "rest"],
)
def test_what_is_no_key_has_no_parts(text: str) -> None:
    assert split_key(text.encode()) is None
