"""Promotions while two workers with threads of their own answer: nothing fails, nothing is late."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.repository.audit import Order
from service.repository.promotion import Promotions
from service.repository.workers import WorkerName
from tests.web.worlds import World, ready

SWAPS = 12
USERS = 3  # of each worker
BY = Order("ann")


class Watch:
    """The latest pointer that was acknowledged: no lease taken from then on may be of another."""

    def __init__(self) -> None:
        self.acknowledged = 1
        self.is_moving = False
        self.answers = 0
        self.wrong: list[object] = []


@contextmanager
def users(worlds: list[World], watch: Watch) -> Iterator[None]:
    stop = threading.Event()

    def use(world: World) -> None:
        try:
            while not stop.is_set():
                before = watch.acknowledged, watch.is_moving
                with world.pool.lease("m") as slot:
                    assert not slot.served.is_closed
                    version = slot.version
                after = watch.acknowledged, watch.is_moving
                if before == after and not before[1] and version != before[0]:
                    watch.wrong.append((version, before))
                watch.answers += 1
        except BaseException as error:
            watch.wrong.append(error)

    threads = [threading.Thread(target=use, args=(world,)) for world in worlds * USERS]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("rows", [(1, 2), (1, 2, 3)])
def test_no_answer_of_the_old_version_once_a_promotion_was_acknowledged(
    tmp_path: Path, rows: tuple[int, ...]
) -> None:
    worlds = [World(tmp_path), World(tmp_path, WorkerName.of(os.getppid()))]
    worlds[0].store.replace([ready(version) for version in rows])
    worlds[0].route(current=1)
    for world in worlds:
        world.reloader.step(0.0)
        world.reloader.start()
    promotions = Promotions(worlds[0].store, worlds[0].bell.ring)
    watch = Watch()
    try:
        with users(worlds, watch):
            for turn in range(SWAPS):
                version = rows[(turn + 1) % len(rows)]
                watch.is_moving = True
                promotions.promote("m", version, BY)
                watch.acknowledged, watch.is_moving = version, False
                seen = watch.answers
                while watch.answers < seen + 200 and not watch.wrong:
                    pass
    finally:
        for world in worlds:
            world.reloader.close()
    assert watch.wrong == []
    for world in worlds:
        assert sum(not each.is_closed for each in world.loads) == len(world.pool.slots()) <= 2
