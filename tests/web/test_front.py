"""The front as its server sees it: clients that leave, bodies that grow, its start and its end."""

import asyncio
from pathlib import Path

import pytest

from service.base.errors import RuntimeLost
from service.runtime.measurement import Measured
from service.web import counted as counting
from service.web.front import Front
from tests.fakes import FakeVersion
from tests.runtime.held import HeldVersion, RecordedVersion, turns
from tests.web.client import Exchange, Message, counted, make_worker, working
from tests.web.desk import LARGE, SMALL

HTTP = "http_server_request_duration_seconds_count"
OK = "kerasd_predict_requests_total"


class Long(HeldVersion):
    """Measured as too long for the loop."""

    @property
    def measured(self) -> Measured:
        return Measured({1: 1.0})


def predict(model: str, body: bytes) -> Exchange:
    return Exchange("POST", f"/v1/models/{model}:predict", body)


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
def test_nothing_is_computed_for_a_client_that_left_while_it_waited(
    tmp_path: Path, body: bytes
) -> None:
    async def scene() -> None:
        stays, leaves = predict("long", body), predict("long", body)
        first = asyncio.create_task(stays.run(front))
        await version.has_begun()
        second = asyncio.create_task(leaves.run(front))
        await turns(5)
        leaves.gone.set()
        await turns(5)
        version.release(2)
        await asyncio.gather(first, second)
        assert stays.answer is not None
        assert stays.answer.status == 200
        assert leaves.answer is None
        assert await _tasks_left() == 0

    version = Long()
    with working(tmp_path, {"long": version}, run_threads=1) as process:
        front = Front(process)
        asyncio.run(scene())
    assert version.runs == [1]


def test_a_client_that_leaves_before_its_body_is_whole_is_not_answered(tmp_path: Path) -> None:
    async def scene() -> list[Message]:
        sent: list[Message] = []
        pieces: list[Message] = [{"type": "http.request", "body": SMALL, "more_body": True}]

        async def receive() -> Message:
            return pieces.pop() if pieces else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await Front(process)(predict("m", SMALL).scope, receive, send)
        return sent

    version = RecordedVersion()
    with working(tmp_path, {"m": version}) as process:
        assert asyncio.run(scene()) == []
    assert version.runs == []


def test_a_body_that_grows_beyond_the_limit_ends_the_connection(tmp_path: Path) -> None:
    growing = predict("m", bytes(1024 * 1024 + 1))
    growing.scope["headers"] = [(b"transfer-encoding", b"chunked")]
    with working(tmp_path, {"m": FakeVersion()}) as process:
        asyncio.run(growing.run(Front(process)))
    assert growing.answer is not None
    assert growing.answer.status == 413
    assert growing.answer.headers["connection"] == "close"


def test_a_model_that_comes_meanwhile_answers_who_waits_for_it(tmp_path: Path) -> None:
    async def scene() -> None:
        asked = predict("late", SMALL)
        task = asyncio.create_task(asked.run(front))
        await turns()
        assert not task.done()
        process.fakes["late"] = FakeVersion()
        await task
        assert asked.answer is not None
        assert asked.answer.status == 200

    lost = RuntimeLost("it isn't there")
    with working(tmp_path, {"late": lost}, load_wait_s=1000.0) as process:
        front = Front(process)
        asyncio.run(scene())


def test_health_is_answered_though_every_thread_of_flask_is_busy(tmp_path: Path) -> None:
    async def scene() -> None:
        waiting = Exchange("GET", "/v2/models/coming")  # it holds a thread as long as it waits
        task = asyncio.create_task(waiting.run(front))
        await turns(5)
        probe = Exchange("GET", "/livez")
        await probe.run(front)
        assert probe.answer is not None
        assert probe.answer.json == {"live": True}
        assert not task.done()
        process.fakes["coming"] = FakeVersion()
        await task

    lost = RuntimeLost("it isn't there")
    with working(tmp_path, {"coming": lost}, load_wait_s=1000.0, flask_threads=1) as process:
        front = Front(process)
        asyncio.run(scene())


def test_the_end_of_the_process_loses_no_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        told: asyncio.Queue[Message] = asyncio.Queue()
        said: asyncio.Queue[Message] = asyncio.Queue()
        life = asyncio.create_task(front({"type": "lifespan"}, told.get, said.put))
        told.put_nowait({"type": "lifespan.startup"})
        assert (await said.get())["type"] == "lifespan.startup.complete"
        await predict("ending", SMALL).run(front)
        assert counted(OK, **ours) == 0
        told.put_nowait({"type": "lifespan.shutdown"})
        assert (await said.get())["type"] == "lifespan.shutdown.complete"
        await life

    ours = {"model": "ending", "version": "2", "outcome": "ok"}
    route = {
        "http_request_method": "POST", "http_route": "/v1/models/{model}:predict",
        "http_response_status_code": "200",
    }  # fmt: skip
    monkeypatch.setattr(counting, "FLUSH_S", 1000.0)
    process = make_worker(tmp_path, {"ending": FakeVersion()})
    front = Front(process)
    before = counted(HTTP, **route)
    asyncio.run(scene())
    assert counted(OK, **ours) == 1
    assert counted(HTTP, **route) == before + 1
    assert counted("kerasd_predict_executions_total", model="ending", version="2", rows="1") == 1


async def _tasks_left() -> int:
    """Tasks beside this one, once those that are cancelled have ended."""
    await turns()
    return len(asyncio.all_tasks()) - 1
