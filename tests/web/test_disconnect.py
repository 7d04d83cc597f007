"""A client is heard leaving, once somebody listens and until that is closed."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from service.web.disconnect import Disconnect
from tests.runtime.held import turns


def test_it_hears_the_client_leave_and_nothing_else() -> None:
    async def scene() -> None:
        said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        disconnect = Disconnect(said.get)
        assert not disconnect.is_heard()
        said.put_nowait({"type": "http.request", "body": b""})
        disconnect.start()
        disconnect.start()
        await turns()
        assert said.empty()
        assert not disconnect.is_heard()
        said.put_nowait({"type": "http.disconnect"})
        await turns()
        assert disconnect.is_heard()
        disconnect.close()

    asyncio.run(scene())


def test_it_hears_nothing_before_it_is_started() -> None:
    async def scene() -> None:
        said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        said.put_nowait({"type": "http.disconnect"})
        disconnect = Disconnect(said.get)
        await turns()
        assert not disconnect.is_heard()
        assert said.qsize() == 1
        disconnect.close()

    asyncio.run(scene())


def test_closed_it_leaves_no_task_behind() -> None:
    async def scene() -> None:
        said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        disconnect = Disconnect(said.get)
        disconnect.start()
        await turns()
        assert len(asyncio.all_tasks()) == 2
        disconnect.close()
        await turns()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scene())
