"""Leases: a version in use is never closed under its user, a version unused is closed at once."""

import threading

import pytest

from service.base.errors import ModelNotFound, ModelNotReady
from service.runtime.pool import Pool, Slot
from tests.fakes import FakeVersion


def slot(model: str, version: int, served: FakeVersion) -> Slot[FakeVersion]:
    return Slot(model, version, str(version), served, 0.0)


def test_the_last_lease_closes_a_replaced_version() -> None:
    pool: Pool[FakeVersion] = Pool()
    old, new = FakeVersion(), FakeVersion()
    pool.put(slot("m", 1, old))
    with pool.lease("m"):
        with pool.lease("m"):
            pool.put(slot("m", 2, new))
        assert not old.is_closed
    assert old.is_closed
    assert not new.is_closed


def test_an_unused_version_closes_at_once() -> None:
    pool: Pool[FakeVersion] = Pool()
    old = FakeVersion()
    pool.put(slot("m", 1, old))
    pool.remove("m")
    assert old.is_closed
    assert not pool.has("m")


def test_what_is_not_there_is_told_apart() -> None:
    pool: Pool[FakeVersion] = Pool()
    with pytest.raises(ModelNotReady, match="just started"), pool.lease("m"):
        pass
    pool.expect({"loading": "", "failed": "version 1 failed: x"})
    assert pool.is_pending("loading")
    assert not pool.is_pending("failed")
    with pytest.raises(ModelNotFound), pool.lease("m"):
        pass
    with pytest.raises(ModelNotReady, match="being loaded"), pool.lease("loading"):
        pass
    with pytest.raises(ModelNotReady, match="version 1 failed: x"), pool.lease("failed"):
        pass


def test_nobody_ever_runs_a_closed_version() -> None:
    """Sixteen threads lease while versions are replaced a thousand times; FakeVersion asserts."""
    pool: Pool[FakeVersion] = Pool()
    pool.put(slot("m", 0, FakeVersion()))
    stop, errors = threading.Event(), []

    def use() -> None:
        try:
            while not stop.is_set():
                with pool.lease("m") as held:
                    assert not held.served.is_closed
        except AssertionError as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(16)]
    for thread in threads:
        thread.start()
    versions = [FakeVersion() for _ in range(1000)]
    for number, version in enumerate(versions):
        pool.put(slot("m", number + 1, version))
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(version.is_closed for version in versions[:-1])
    assert not versions[-1].is_closed
