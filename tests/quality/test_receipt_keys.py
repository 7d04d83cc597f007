"""Every process signs with the newest key that all of them can know, and reads by all keys."""

import pytest

from service.quality.receipt_keys import REFRESH_S, SETTLE_S, ReceiptKey, ReceiptKeys, choose
from tests.quality.keys import NOW, Clock, KeyList, keys_of


def signer_id(keys: ReceiptKeys, now: float) -> str:
    signer = keys.signer(now)
    assert signer is not None
    return signer.id


def test_the_first_key_is_made_and_signs_at_once() -> None:
    keys = keys_of(KeyList(), Clock())
    assert signer_id(keys, NOW) == "00000001"


def test_nothing_signs_before_keys_were_read() -> None:
    assert ReceiptKeys(KeyList("00000001")).signer(NOW) is None


def test_a_new_key_signs_when_everybody_can_know_it() -> None:
    clock, source = Clock(), KeyList("00000001")
    keys = keys_of(source, clock)
    source.rotate("00000002", clock.now)
    keys.refresh()

    assert signer_id(keys, clock.now + SETTLE_S - 0.001) == "00000001"
    assert signer_id(keys, clock.now + SETTLE_S) == "00000002"
    assert keys.find("00000001") is not None


def test_a_process_that_has_just_looked_in_vain_knows_a_key_that_signs() -> None:
    clock, source = Clock(), KeyList("00000001")
    here, there = keys_of(source, clock), keys_of(source, clock)
    clock.now += REFRESH_S
    assert there.find("ffffffff") is None  # somebody's invention: it has looked
    source.rotate("00000002", clock.now)
    here.refresh()

    clock.now += SETTLE_S - 0.5
    assert there.find("ffffffff") is None  # the last moment at which it may look before
    clock.now += 0.5
    assert there.find(signer_id(here, clock.now)) is not None


def test_invented_keys_cost_a_look_a_second() -> None:
    clock, source = Clock(), KeyList("00000001")
    keys = keys_of(source, clock)
    for _ in range(100):
        assert keys.find("ffffffff") is None
        clock.now += REFRESH_S / 50
    assert source.looks == 1 + 1  # at the start, and when the second was over


def test_a_known_key_needs_no_look() -> None:
    source = KeyList("00000001")
    keys = keys_of(source, Clock())
    first = keys.find("00000001")
    assert first is keys.find("00000001") is keys.signer(NOW)
    assert source.looks == 1


def test_a_key_that_was_deleted_is_not_known_after_the_next_look() -> None:
    clock, source = Clock(), KeyList("00000001")
    keys = keys_of(source, clock)
    source.keys = []
    source.rotate("00000002", clock.now)
    keys.refresh()
    assert keys.find("00000001") is None
    assert signer_id(keys, clock.now) == "00000002"


def test_a_failed_look_leaves_what_is_known() -> None:
    class Broken(KeyList):
        def get_or_create(self, at: float) -> list[ReceiptKey]:
            if self.looks:
                raise ConnectionError
            return super().get_or_create(at)

    clock = Clock()
    keys = keys_of(Broken("00000001"), clock)
    clock.now += REFRESH_S
    with pytest.raises(ConnectionError):
        keys.find("ffffffff")
    assert keys.find("00000001") is not None
    assert signer_id(keys, clock.now) == "00000001"


def test_the_newest_settled_key_is_chosen_in_whatever_order() -> None:
    made = [ReceiptKey(str(n), b"", NOW + at) for n, at in enumerate((10, 0, 20, 19))]
    current, since, newest = choose(made, NOW + 19 + SETTLE_S)
    assert (current.id, since, newest.id) == ("3", NOW + 20 + SETTLE_S, "2")


def test_a_secret_is_never_printed() -> None:
    assert "secret" not in repr(ReceiptKey("00000001", b"secret", NOW))
