"""Repository control over HTTP: what is taken, what is refused, what is answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.repository import control
from service.repository.states import State, VersionRow
from service.web.process import WebProcess
from tests.web.admin.versions import worker
from tests.web.client import FlaskClient

ROWS = [
    VersionRow("broken", 3, State.FAILED, "x.h5: damaged"),
    VersionRow("m", 1, State.READY, artefact="a"),
    VersionRow("m", 2, State.READY, artefact="b"),
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
    with worker(tmp_path, ROWS) as process:
        yield process


@pytest.fixture
def client(process: WebProcess) -> FlaskClient:
    return FlaskClient(process)


def ask(client: FlaskClient, path: str, body: Any = b"", **headers: str) -> tuple[int, Any]:
    answer = client.post(f"/v2/repository/{path}", body, **headers)
    return answer.status, answer.json


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
    status, answer = ask(client, f"models/m/{verb}", Origin=origin)
    assert status == 403
    assert "Web pages may not change anything" in answer["error"]
    assert ask(client, "index", Origin=origin) == (200, INDEX)


def test_nobody_does_where_it_is_switched_off(tmp_path: Path) -> None:
    with worker(tmp_path, ROWS, model_control=False) as process:
        client = FlaskClient(process)
        for verb in ("load", "unload"):
            status, answer = ask(client, f"models/m/{verb}")
            assert status == 403
            assert "model_control" in answer["error"]
        assert process.pool.has("m")
        assert ask(client, "index") == (200, INDEX)


def test_few_do_at_a_time(process: WebProcess, client: FlaskClient) -> None:
    """Each waits for all workers, and holds a thread meanwhile."""
    with process.permits.one(), process.permits.one():
        for verb in ("load", "unload"):
            status, answer = ask(client, f"models/m/{verb}")
            assert status == 429
            assert answer["error"].startswith("Too many requests are waiting for changes to")
        assert ask(client, "index")[0] == 200
    assert ask(client, "models/m/unload")[0] == 200


def test_who_loads_and_unloads_is_in_the_audit(client: FlaskClient) -> None:
    ask(client, "models/m/unload")
    ask(client, "models/m/load")
    changes = client.ask("GET", "/v1/audit?model=m").json["changes"]
    told = [(one["action"], one["who"]) for one in changes if one["action"] != "advance"]
    assert told == [("load", "anybody"), ("unload", "anybody")]
