"""Models, status, metadata and labels as both dialects of version 1 have them, and the rest."""

from pathlib import Path
from typing import Any

import pytest

from service.base.database import open_database
from service.base.errors import KerasdError, RequestInvalid
from service.base.settings import Settings
from service.base.signature import Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.runtime.slot import Slot
from service.web.exchange import Facts, Identity
from service.web.process import WebProcess
from service.web.v1.routes import malformed, parse_int64
from tests.databases import migrate
from tests.web.client import FlaskClient

CONFIG = ModelConfig(labels=("a", "b"), version_labels={"stable": 7, "canary": 8})
CHURN = Signature(
    (TensorSpec("x", "float32", (None, 2)),), (TensorSpec("y", "string", (None, None)),)
)
ROWS = [
    VersionRow("churn", 6, State.RETIRED, config=CONFIG),
    VersionRow("churn", 7, State.READY, "", "f" * 64, CONFIG),
    VersionRow("churn", 8, State.FAILED, "x.h5: damaged", config=CONFIG),
    VersionRow("gone", 1, State.RETIRED),
    VersionRow("young", 1, State.COMPILING),
]


class Loaded:
    """As much of a served version as is described."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def close(self) -> None:
        pass


def client_of(tmp_path: Path, **more: Any) -> FlaskClient:
    settings = Settings(state_dir=tmp_path, repository=tmp_path, load_wait_s=0.05, **more)
    engine = open_database(settings.database)
    migrate(engine)
    VersionStore(engine, settings.repository_key).replace(ROWS)
    engine.dispose()
    process = WebProcess(settings)
    process.reloader.step(0.0)
    facts = Facts(Identity("churn", 7, "f" * 64, "h5"), CHURN, CONFIG, True, 100)
    served: Any = Loaded(facts)
    process.pool.put(Slot("churn", 7, "identity", served, 0.0))
    return FlaskClient(process)


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return client_of(tmp_path)


def status(version: int, state: str, code: str = "OK", message: str = "") -> dict[str, Any]:
    return {
        "version": str(version),
        "state": state,
        "status": {"error_code": code, "error_message": message},
    }


ALL = [
    status(6, "END"),
    status(7, "AVAILABLE"),
    status(8, "END", "INTERNAL", "x.h5: damaged"),
]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/models/churn", ALL),
        ("/v1/models/churn/", ALL),
        ("/v1/models/churn/labels/stable", [status(7, "AVAILABLE")]),
        ("/v1/models/churn/labels/canary", [status(8, "END", "INTERNAL", "x.h5: damaged")]),
        ("/V1/Models/churn/Versions/7", [status(7, "AVAILABLE")]),
        ("/v1/models/young", [status(1, "LOADING")]),
    ],
)
def test_status_is_tensorflow_servings(client: FlaskClient, path: str, expected: Any) -> None:
    answer = client.ask("GET", path)
    assert answer.status == 200
    assert answer.json["model_version_status"] == expected


def test_status_has_what_kserves_client_reads(client: FlaskClient) -> None:
    for path, name, is_ready in (
        ("/v1/models/churn", "churn", True),
        ("/v1/models/churn/versions/8", "churn", False),
        ("/v1/models/young", "young", False),
    ):
        record = client.ask("GET", path).json
        assert (record["name"], record["ready"]) == (name, is_ready)
        assert client.ask("GET", f"{path}?ready").status == (200 if is_ready else 503)


def test_strict_clients_get_no_keys_of_others(tmp_path: Path) -> None:
    client = client_of(tmp_path, extra_keys=False)
    assert client.ask("GET", "/v1/models/churn").json == {"model_version_status": ALL}
    assert client.ask("GET", "/v1/models").json == {"models": ["churn", "young"]}


def test_the_list_names_models_and_versions(client: FlaskClient) -> None:
    record = client.ask("GET", "/v1/models").json
    assert record["models"] == ["churn", "young"]
    versions = {(row["model"], row["version"]): row for row in record["versions"]}
    assert versions["churn", 7]["format"] == "h5"
    assert versions["churn", 8]["reason"] == "x.h5: damaged"


@pytest.mark.parametrize("path", ["", "/versions/7", "/labels/stable"])
def test_metadata_is_proto_json(client: FlaskClient, path: str) -> None:
    def info(name: str, dtype: str, *sizes: str) -> dict[str, Any]:
        dims = [{"size": size, "name": ""} for size in sizes]
        shape = {"dim": dims, "unknown_rank": False}
        return {"dtype": dtype, "tensor_shape": shape, "name": f"{name}:0"}

    assert client.ask("GET", f"/v1/models/churn{path}/metadata").json == {
        "model_spec": {"name": "churn", "signature_name": "", "version": "7"},
        "metadata": {
            "signature_def": {
                "signature_def": {
                    "serving_default": {
                        "inputs": {"x": info("x", "DT_FLOAT", "-1", "2")},
                        "outputs": {"y": info("y", "DT_STRING", "-1", "-1")},
                        "method_name": "tensorflow/serving/predict",
                        "defaults": {},
                    }
                }
            }
        },
    }


@pytest.mark.parametrize(
    ("method", "path", "code", "text"),
    [
        ("GET", "/v1/models/nope", 404, "Could not find any versions of model nope"),
        ("GET", "/v1/models/churn/versions/9", 404, "Could not find version 9 of model churn"),
        ("GET", "/v1/models/churn/versions/0", 404, "Could not find version 0 of model churn"),
        ("GET", "/v1/models/nope/metadata", 404, "Servable not found for request: Latest(nope)"),
        ("GET", "/v1/models/churn/labels/old", 400, "Unrecognized servable version label: old"),
        ("GET", "/v1/models/churn/versions/6/metadata", 404, "request: Specific(churn, 6)"),
        ("GET", "/v1/models/churn/labels/old/metadata", 400, "Unrecognized servable version label"),
        ("GET", "/v1/models/churn/labels/canary/metadata", 503, "version 8 failed: x.h5: damaged"),
        ("GET", "/v1/models/young/metadata", 503, "is being compiled"),
        ("GET", "/v1/models/churn/versions/x", 400, "Failed to convert version: x to numeric."),
        ("GET", f"/v1/models/churn/versions/{2**63}", 400, f"{2**63} to numeric."),
        ("GET", "/v1/models/versions/7", 400, "Missing model name in request."),
        ("GET", "/v1/models/labels/a", 400, "Missing model name in request."),
    ],
)  # fmt: skip
def test_what_is_not_there_says_so(
    client: FlaskClient, method: str, path: str, code: int, text: str
) -> None:
    answer = client.ask(method, path)
    assert answer.status == code
    assert answer.headers["content-type"] == "application/json"
    assert text in answer.json["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/churn:predict"),
        ("GET", "/v1/models/churn/versions/7/labels/stable"),
        ("GET", "/v1/models/churn/other"),
        ("GET", "/v1/anything"),
        ("POST", "/v1/models"),
        ("POST", "/v1/models/churn"),
        ("POST", "/v1/models/churn/metadata"),
        ("POST", "/v1/models/churn:explode"),
        ("POST", "/v1/models/churn/versions/7/labels/stable:predict"),
        ("PUT", "/v1/models/churn:predict"),
        ("DELETE", "/v1/models/churn"),
        ("OPTIONS", "/v1/models/churn:predict"),
    ],
)
def test_all_else_below_v1_is_malformed(client: FlaskClient, method: str, path: str) -> None:
    answer = client.ask(method, path)
    assert (answer.status, answer.json) == (400, {"error": f"Malformed request: {method} {path}"})


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("x", "Failed to convert version: x to numeric."),
        (str(2**63), f"Failed to convert version: {2**63} to numeric."),
        ("0", "Servable not found for request: Specific(m, 0)"),
        ("12345678901", "Servable not found for request: Specific(m, 12345678901)"),
    ],
)
def test_a_version_that_cannot_be_is_told_from_a_path_that_cannot_be(
    version: str, text: str
) -> None:
    error = malformed("POST", f"/v1/models/m/versions/{version}:predict")
    assert isinstance(error, KerasdError)
    assert str(error) == text


def test_versions_are_numbers_of_64_bits() -> None:
    assert parse_int64("007") == 7
    assert parse_int64(str(2**63 - 1)) == 2**63 - 1
    for text in ("", "-1", "1.0", "１", "9" * 5000):
        with pytest.raises(RequestInvalid, match="to numeric"):
            parse_int64(text)


class TestCors:
    @pytest.fixture
    def open_client(self, tmp_path: Path) -> FlaskClient:
        return client_of(tmp_path, cors=True)

    @pytest.mark.parametrize(
        "path", ["/v1/models/churn:predict", "/v1/models", "/v2/models/churn/infer"]
    )
    def test_a_preflight_is_answered(self, open_client: FlaskClient, path: str) -> None:
        answer = open_client.ask("OPTIONS", path, Origin="https://page.example")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "POST, GET"
        assert answer.headers["access-control-allow-headers"] == "Content-Type"

    @pytest.mark.parametrize("origin", ["", "null", "file://x"])
    def test_a_preflight_needs_an_origin(self, open_client: FlaskClient, origin: str) -> None:
        answer = open_client.ask("OPTIONS", "/v1/models/churn:predict", Origin=origin)
        assert answer.status == 400
        assert "Origin header is missing" in answer.json["error"]

    def test_every_answer_may_be_read_by_pages(self, open_client: FlaskClient) -> None:
        for path in ("/v1/models/churn", "/v1/models/nope"):
            headers = open_client.ask("GET", path).headers
            assert headers["access-control-allow-origin"] == "*"

    def test_without_the_setting_nothing_is_said(self, client: FlaskClient) -> None:
        assert "access-control-allow-origin" not in client.ask("GET", "/v1/models/churn").headers
