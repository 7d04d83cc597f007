"""A listener hears its client leave, once it was told to listen and until it is closed."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from service.web.listener import Listener
from tests.runtime.held import turns


def test_it_hears_the_client_leave_and_nothing_else() -> None:
    async def scene() -> None:
        said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        listener = Listener(said.get)
        assert not listener.is_gone()
        said.put_nowait({"type": "http.request", "body": b""})
        listener.start()
        listener.start()
        await turns()
        assert said.empty()
        assert not listener.is_gone()
        said.put_nowait({"type": "http.disconnect"})
        await turns()
        assert listener.is_gone()
        listener.close()

    asyncio.run(scene())


def test_it_hears_nothing_before_it_is_started() -> None:
    async def scene() -> None:
        said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        said.put_nowait({"type": "http.disconnect"})
        listener = Listener(said.get)
        await turns()
        assert not listener.is_gone()
        assert said.qsize() == 1
        listener.close()

    asyncio.run(scene())


def test_closed_it_leaves_no_task_behind() -> None:
    async def scene() -> None:
        said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        listener = Listener(said.get)
        listener.start()
        await turns()
        assert len(asyncio.all_tasks()) == 2
        listener.close()
        await turns()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scene())
