"""Repository control over HTTP: what is taken, what is refused, what is answered."""

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from service.base.database import migrate, open_database
from service.base.settings import Settings
from service.repository import control
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.web.answers import error_body, explain
from service.web.process import WebProcess
from service.web.v2.repository import MAX_CHANGES, add_routes
from tests.fakes import FakeVersion

ROWS = [
    VersionRow("broken", 3, State.FAILED, "x.h5: damaged"),
    VersionRow("m", 1, State.READY, artefact="a"),
    VersionRow("m", 2, State.READY, served=True, artefact="b"),
]
INDEX = [
    {"name": "broken", "version": "3", "state": "UNAVAILABLE", "reason": "x.h5: damaged"},
    {"name": "m", "version": "1", "state": "UNAVAILABLE", "reason": "not served"},
    {"name": "m", "version": "2", "state": "READY", "reason": ""},
]


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebProcess]:
    """A worker that really looks; what it loads is a fake, and there is no controller."""
    monkeypatch.setattr(control, "LOOK_WAIT_S", 0.1)
    process = make(tmp_path)
    process.reloader.start()
    yield process
    process.close()


def make(folder: Path, **given: Any) -> WebProcess:
    """A worker that has looked once."""
    settings = Settings(state_dir=folder, repository=folder, **given)
    engine = open_database(settings.database)
    migrate(engine)
    VersionStore(engine, settings.repository_key).replace(ROWS)
    engine.dispose()
    process = WebProcess(settings)
    process.reloader._load = lambda _row: FakeVersion()  # type: ignore[assignment,return-value]
    process.reloader.step(0.0)
    return process


@pytest.fixture
def client(process: WebProcess) -> FlaskClient:
    return client_of(process)


def client_of(process: WebProcess) -> FlaskClient:
    app = Flask("test")

    def answer_error(error: Exception) -> Response:
        status, text, _ = explain(error)
        return Response(error_body(text), status)

    app.register_error_handler(Exception, answer_error)
    add_routes(app, process)
    return app.test_client()


def ask(
    client: FlaskClient, path: str, body: Any = b"", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    answer = client.post(f"/v2/repository/{path}", data=content, headers=headers)
    return answer.status_code, orjson.loads(answer.data)


@pytest.mark.parametrize("body", [b"", b" ", {}, {"ready": False}, {"ready": None}])
def test_the_index_lists_every_version(client: FlaskClient, body: Any) -> None:
    assert ask(client, "index", body) == (200, INDEX)


def test_the_index_lists_only_what_is_ready(client: FlaskClient) -> None:
    assert ask(client, "index", {"ready": True}) == (200, INDEX[2:])


@pytest.mark.parametrize("body", [b"", {}, {"parameters": {"unload_dependents": False}},
                                  {"parameters": {"unload_dependents": True}}])  # fmt: skip
def test_what_is_unloaded_is_gone_when_the_answer_comes(
    client: FlaskClient, process: WebProcess, body: Any
) -> None:
    assert process.pool.has("m")
    assert ask(client, "models/m/unload", body) == (200, {"name": "m", "unload": True})
    assert not process.pool.has("m")
    states = [(entry["state"], entry["reason"]) for entry in ask(client, "index")[1]]
    assert states[1:] == [("UNAVAILABLE", "unloaded")] * 2
    assert ask(client, "index", {"ready": True}) == (200, [])


@pytest.mark.parametrize("body", [b"", {}, {"parameters": {}}, {"parameters": None}])
def test_what_is_loaded_answers_when_the_answer_comes(
    client: FlaskClient, process: WebProcess, body: Any
) -> None:
    ask(client, "models/m/unload")
    assert ask(client, "models/m/load", body) == (200, {"name": "m", "load": True})
    assert process.pool.has("m")
    assert ask(client, "index") == (200, INDEX)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("models/x/load", "failed to load 'x', failed to poll from model repository"),
        ("models/x/unload", "failed to unload 'x', it is not in the model repository"),
        ("models/broken/load", "failed to load 'broken', version 3: x.h5: damaged"),
    ],
)
def test_what_cannot_be_done_says_why(client: FlaskClient, path: str, error: str) -> None:
    assert ask(client, path) == (400, {"error": error})


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("index", {"ready": 1}, "ready: expected true or false, got int"),
        ("index", [], "expected an object, got list"),
        ("index", b"{", "JSON Parse error"),
        ("models/m/load", b"\xff", "JSON Parse error"),
        ("models/m/load", {"parameters": []}, "parameters: expected an object, got list"),
        ("models/m/load", {"parameters": {"config": "{}"}}, "'config' is not supported"),
        (
            "models/m/load",
            {"parameters": {"file:1/model.h5": "AAAA"}},
            "'file:1/model.h5' is not supported; a model is loaded from the files",
        ),
        ("models/m/load", {"parameters": {"colour": 1}}, "expected none, got 'colour'"),
        (
            "models/m/unload",
            {"parameters": {"colour": 1}},
            "expected unload_dependents, got 'colour'",
        ),
        (
            "models/m/unload",
            {"parameters": {"unload_dependents": "no"}},
            "unload_dependents: expected true or false, got str",
        ),
    ],
)
def test_what_is_not_understood_is_refused_and_changes_nothing(
    client: FlaskClient, path: str, body: Any, words: str
) -> None:
    status, answer = ask(client, path, body)
    assert status == 400
    assert words in answer["error"]
    assert ask(client, "index") == (200, INDEX)


@pytest.mark.parametrize("path", ["other/index", "other/models/m/load", "other/models/m/unload"])
def test_there_is_one_repository(client: FlaskClient, path: str) -> None:
    assert ask(client, path) == (
        501,
        {"error": "'repository_name' specification is not supported"},
    )


@pytest.mark.parametrize("origin", ["https://page.example", "null", ""])
@pytest.mark.parametrize("verb", ["load", "unload"])
def test_web_pages_change_nothing(client: FlaskClient, verb: str, origin: str) -> None:
    status, answer = ask(client, f"models/m/{verb}", headers={"Origin": origin})
    assert (status, answer["error"]) == (403, "Web pages may not load or unload models")
    assert ask(client, "index", headers={"Origin": origin}) == (200, INDEX)


def test_nobody_does_where_it_is_switched_off(tmp_path: Path) -> None:
    process = make(tmp_path, model_control=False)
    client = client_of(process)
    for verb in ("load", "unload"):
        status, answer = ask(client, f"models/m/{verb}")
        assert status == 403
        assert "model_control" in answer["error"]
    assert process.pool.has("m")
    assert ask(client, "index") == (200, INDEX)
    process.close()


def test_few_do_at_a_time(tmp_path: Path) -> None:
    """Each waits for the worker to look, which is only stepped here."""
    process = make(tmp_path)
    begun: queue.SimpleQueue[None] = queue.SimpleQueue()
    process.reloader.look_soon = lambda: begun.put(None) or 0  # type: ignore[method-assign,func-returns-value]
    client = client_of(process)
    with ThreadPoolExecutor(MAX_CHANGES) as threads:
        busy = [threads.submit(ask, client_of_same(client), "models/m/unload") for _ in range(2)]
        for _ in busy:
            begun.get(timeout=10)
        for verb in ("load", "unload"):
            status, answer = ask(client, f"models/m/{verb}")
            assert status == 429
            assert answer["error"].startswith("Too many requests are waiting for loading and")
        assert ask(client, "index")[0] == 200
        process.reloader.step(1.0)
        assert [each.result(10) for each in busy] == [(200, {"name": "m", "unload": True})] * 2
        again = threads.submit(ask, client_of_same(client), "models/m/unload")
        begun.get(timeout=10)
        process.reloader.step(2.0)
        assert again.result(10)[0] == 200
    process.close()


def client_of_same(client: FlaskClient) -> FlaskClient:
    """Another client of the same application, for another thread."""
    return client.application.test_client()
