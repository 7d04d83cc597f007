"""The protocol's routes besides inference, on a Flask application of their own."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.routing import BaseConverter

from service.base.database import open_database
from service.base.errors import KerasdError
from service.base.settings import Settings
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.runtime.plan import Plan
from service.runtime.slot import Slot
from service.web.answers import JSON, error_body
from service.web.exchange import Facts
from service.web.process import WebProcess
from service.web.v2.routes import add_routes
from tests.databases import migrate
from tests.web.v2.asking import facts

PLAN = Plan(False, 1, 0.0, 1, 1, 1, {}, "because")


class Held:
    """A loaded version, as far as these routes look at it."""

    def __init__(self, of: Facts) -> None:
        self.facts = of
        self.plan = PLAN

    def close(self) -> None:
        """Nothing is held."""


class ModelName(BaseConverter):
    regex = "[^/:]+"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A worker's parts: `churn` is loaded in version 7, `young` is not there yet."""
    folder = tmp_path_factory.mktemp("v2")
    settings = Settings(state_dir=folder, repository=folder, load_wait_s=0.05, workers=3)
    engine = open_database(settings.database)
    migrate(engine)
    ready = VersionRow("churn", 7, State.READY, artefact="f" * 64)
    rows = [ready, VersionRow("young", 1, State.COMPILING)]
    VersionStore(engine, settings.repository_key).replace(rows)
    process = WebProcess(settings)
    process.reloader.step(0.0)
    process.pool.put(cast(Any, Slot("churn", 7, "identity", Held(facts()), 0.0)))
    yield process
    process.close()
    engine.dispose()


@pytest.fixture
def client(process: WebProcess) -> FlaskClient:
    app = Flask("tests")
    app.url_map.strict_slashes = False
    app.url_map.converters["model_name"] = ModelName
    add_routes(app, process)

    @app.errorhandler(KerasdError)
    def answer(error: KerasdError) -> Response:
        return Response(error_body(str(error)), error.status, content_type=JSON)

    return app.test_client()


def test_live(client: FlaskClient) -> None:
    answer = client.get("/v2/health/live")
    assert (answer.status_code, answer.json) == (200, {"live": True})


def test_not_ready_says_what_it_waits_for(client: FlaskClient) -> None:
    answer = client.get("/v2/health/ready")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["ready"] is False
    assert "young" in answer.json["error"]


@pytest.mark.parametrize("path", ["/v2/models/churn", "/v2/models/churn/versions/7"])
def test_a_model_answers_with_or_without_its_version(client: FlaskClient, path: str) -> None:
    ready = client.get(f"{path}/ready")
    assert (ready.status_code, ready.json) == (200, {"name": "churn", "ready": True})
    metadata, config, stats = (client.get(path + end).json for end in ("", "/config", "/stats"))
    assert metadata is not None
    assert config is not None
    assert stats is not None
    assert metadata["versions"] == ["7"]
    assert config["instance_group"][0]["count"] == 3
    assert [entry["name"] for entry in stats["model_stats"]] == ["churn"]


def test_lists(client: FlaskClient) -> None:
    assert client.get("/v2").json is not None
    assert client.get("/v2/models").json == {"models": ["churn", "young"]}
    stats = client.get("/v2/models/stats").json
    assert stats is not None
    assert [entry["version"] for entry in stats["model_stats"]] == ["7"]


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/v2/models/no", 404, "Request for unknown model: 'no' is not found"),
        ("/v2/models/churn/versions/8", 404, "Request for unknown model: 'churn' version 8"),
        ("/v2/models/churn/versions/0", 404, "Not found: /v2/models/churn/versions/0"),
        ("/v2/models/churn/versions/x", 404, "Request for unknown model: 'churn' version x is"),
        ("/v2/models/young", 503, "Model 'young' is not ready"),
    ],
)
def test_what_is_not_there(client: FlaskClient, path: str, status: int, text: str) -> None:
    answer = client.get(f"{path}/ready")
    assert answer.status_code == status
    assert answer.content_type == JSON
    assert answer.json is not None
    assert answer.json["error"].startswith(text)


def test_statistics_of_what_is_not_there(client: FlaskClient) -> None:
    assert client.get("/v2/models/no/stats").status_code == 404


@pytest.mark.parametrize(
    ("verb", "path", "status", "text"),
    [
        ("GET", "/v2/nope", 404, "Not Found"),
        ("GET", "/v2/models/churn/versions/0/config", 404, "Not found: /v2/models/churn/versions"),
        ("GET", "/v2/models/churn/nope", 404, "Not Found"),
        ("POST", "/v2/models/churn", 405, "Method Not Allowed"),
        ("DELETE", "/v2/models/churn/config", 405, "Method Not Allowed"),
        ("GET", "/v2/models/churn/infer", 405, "Method Not Allowed"),
        ("PUT", "/v2/models/churn/versions/7/infer", 405, "Method Not Allowed"),
        ("POST", "/v2/health/live", 405, "Method Not Allowed"),
        ("GET", "/v2/repository/index", 405, "Method Not Allowed"),
        ("GET", "/v2/repository/models/churn/load", 405, "Method Not Allowed"),
        ("GET", "/v2/models/churn/generate", 405, "Method Not Allowed"),
        ("POST", "/v2/models/churn/generate", 501, "Generation is not supported"),
        ("POST", "/v2/models/churn/versions/7/generate_stream", 501, "Generation is not"),
        ("GET", "/v2/trace/setting", 501, "Tracing is not supported by this server"),
        ("POST", "/v2/models/churn/trace/setting", 501, "Tracing is not supported"),
        ("GET", "/v2/systemsharedmemory/status", 501, "Shared memory is not supported"),
        ("POST", "/v2/cudasharedmemory/region/r/register", 501, "Shared memory is not"),
    ],
)
def test_other_paths_and_verbs(
    client: FlaskClient, verb: str, path: str, status: int, text: str
) -> None:
    answer = client.open(path, method=verb)
    assert answer.status_code == status
    assert answer.content_type == JSON
    assert answer.json is not None
    assert answer.json["error"].startswith(text)


def test_logging_can_be_read_but_not_changed(client: FlaskClient) -> None:
    settings = client.get("/v2/logging").json
    assert settings is not None
    assert settings["log_error"] is True
    assert client.post("/v2/logging", data=b"{}").json == settings
    changed = client.post("/v2/logging", data=b'{"log_info":false}')
    assert changed.status_code == 501
