"""Which keys are good, and how a ring notices that its file has changed."""

import hmac
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.base.key_changes import rotate_key
from service.base.key_file import change_keys
from service.base.key_text import digest, make_key
from service.base.roles import Role
from service.web.access import keyring
from service.web.access.caller import Caller
from service.web.access.keyring import LOOK_EVERY_S, KeyRing
from tests.web.access.keyed import STRANGER, give_key, take_key


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def go_on(self) -> None:
        self.now += LOOK_EVERY_S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(path: Path, clock: Clock) -> KeyRing:
    return KeyRing(path, clock)


def name_of(ring: KeyRing, key: str) -> str:
    known = ring.find(key.encode())
    return known.caller.name if known else ""


class TestFind:
    def test_a_key_is_its_caller(self, path: Path, ring: KeyRing) -> None:
        key = give_key(path, "ci", "predict read", "a b")

        known = ring.find(key.encode())

        assert known is not None
        roles = frozenset({Role.PREDICT, Role.READ})
        assert known.caller == Caller("ci", roles, frozenset({"a", "b"}))

    def test_only_the_whole_key_is_good(self, path: Path, ring: KeyRing) -> None:
        key = give_key(path, "ci", "predict")
        other = give_key(path, "other", "admin")

        mixed = key[:20] + other[20:]
        wrong = [STRANGER, mixed, key[:-1], key + "A", "", "kerasd_", key[20:], key.upper()]

        assert [name_of(ring, text) for text in wrong] == [""] * len(wrong)
        assert ring.find("kerasd_é".encode("latin-1")) is None

    def test_a_key_that_has_ended_is_not_good(self, path: Path, ring: KeyRing) -> None:
        ended = give_key(path, "ended", "predict", ends_in_s=-1)
        good = give_key(path, "good", "predict", ends_in_s=1000)

        assert (name_of(ring, ended), name_of(ring, good)) == ("", "good")

    def test_without_a_file_no_key_is_good(self, ring: KeyRing) -> None:
        assert name_of(ring, STRANGER) == ""


class TestReload:
    def test_a_new_key_is_good_after_the_next_look(
        self, path: Path, ring: KeyRing, clock: Clock
    ) -> None:
        assert name_of(ring, STRANGER) == ""
        key = give_key(path, "late", "predict")

        assert name_of(ring, key) == ""
        clock.go_on()
        assert name_of(ring, key) == "late"

    def test_a_revoked_key_is_not_good_after_the_next_look(
        self, path: Path, ring: KeyRing, clock: Clock
    ) -> None:
        key = give_key(path, "ci", "predict")
        assert name_of(ring, key) == "ci"
        take_key(path, "ci")

        clock.go_on()

        assert name_of(ring, key) == ""

    def test_two_keys_of_one_name_are_good_while_one_is_rotated(
        self, path: Path, ring: KeyRing
    ) -> None:
        old, new = give_key(path, "ci", "predict"), make_key()
        now = datetime.now(UTC)
        change_keys(path, lambda known: rotate_key(known, "ci", new, now, timedelta(hours=1)))

        assert [name_of(ring, key) for key in (old, new.text)] == ["ci", "ci"]

    @pytest.mark.parametrize("fault", ["cut off", "unsafe", "gone"])
    def test_a_broken_file_keeps_the_keys_and_is_told_of_once(
        self, path: Path, ring: KeyRing, clock: Clock, caplog: pytest.LogCaptureFixture, fault: str
    ) -> None:
        key = give_key(path, "ci", "predict")
        assert name_of(ring, key) == "ci"
        whole = path.read_bytes()

        spoil(path, fault)
        for _ in range(3):
            clock.go_on()
            assert name_of(ring, key) == "ci"
        told = [record for record in caplog.records if record.levelno == logging.ERROR]
        path.unlink(missing_ok=True)
        path.write_bytes(whole.replace(b'"ci"', b'"mended"'))
        clock.go_on()

        assert len(told) == 1
        assert name_of(ring, key) == "mended"

    def test_a_file_is_read_only_when_it_has_changed(
        self, path: Path, ring: KeyRing, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        key = give_key(path, "ci", "predict")

        for _ in range(5):
            clock.go_on()
            assert name_of(ring, key) == "ci"

        assert [record.getMessage() for record in caplog.records] == ["keys read"]


def spoil(path: Path, fault: str) -> None:
    if fault == "gone":
        path.unlink()
    elif fault == "unsafe":
        path.chmod(0o666)
        os.utime(path)
    else:
        path.write_bytes(path.read_bytes()[:-20])


def test_an_unknown_id_takes_the_steps_of_a_wrong_secret(
    path: Path, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the time would tell which ids there are."""
    key = give_key(path, "ci", "predict").encode()
    steps: list[tuple[str, list[int]]] = []

    def noting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: bytes) -> Any:
            steps.append((name, [len(one) for one in given]))
            return real(*given)

        return step

    monkeypatch.setattr(keyring, "digest", noting("digest", digest))
    monkeypatch.setattr(hmac, "compare_digest", noting("compare", hmac.compare_digest))

    taken = []
    for text in (key, key[:-4] + b"AAAA", make_key().text.encode()):
        steps.clear()
        found = ring.find(text)
        taken.append((found is not None, list(steps)))

    same = [("digest", [43]), ("compare", [32, 32])]
    assert taken == [(True, same), (False, same), (False, same)]
