"""Asking for batch predictions over HTTP: what is accepted, and what is refused before a job."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.jobs.job import Kind
from service.recipe.batch import BatchPredictRequest
from service.repository.states import State
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.access.keyed import bearer, give_key
from tests.web.client import Client, FlaskClient, FrontClient, asking, row, working

PATH = "/v1/models/pets:batch-predict"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    folder = tmp_path_factory.mktemp("batch")
    data = folder / "data-folder"
    (data / "in").mkdir(parents=True)
    (data / "in" / "a.csv").write_text("a,b,c\n1,2,3\n")
    (folder / "secret.csv").write_text("x\n")
    (data / "way-out").symlink_to(folder)
    with working(
        folder, {"pets": FakeVersion()}, None, (row("broken", State.FAILED, "x"),), data_dir=data
    ) as worker:
        yield worker


@pytest.fixture
def client(process: WebProcess) -> Client:
    return FlaskClient(process)


def body(**more: Any) -> dict[str, Any]:
    return {"input": "in", "output": "out", **more}


def test_a_job_is_queued_with_what_was_asked(process: WebProcess, client: Client) -> None:
    shard = {"shard": {"index": 2, "of": 4}, "run": "r"}
    asked = body(keep="others", columns={"ignore": ["id"]}, **shard)
    answer = client.post(f"{PATH}?trigger=cli", asked, idempotency_key="b1")
    assert answer.status == 202, answer.body
    told = answer.json
    assert answer.headers["location"] == f"/v1/jobs/{told['id']}"
    assert (told["kind"], told["state"], told["trigger"]) == ("batch-predict", "QUEUED", "cli")
    assert told["data"] == {"version": 2, "is_folder": True}
    job = process.jobs.get(told["id"])
    assert job.kind is Kind.BATCH_PREDICT
    assert BatchPredictRequest.model_validate(job.request) == BatchPredictRequest.model_validate(
        asked
    )
    assert client.post(f"{PATH}?trigger=cli", asked, idempotency_key="b1").status == 200
    listed = client.ask("GET", "/v1/jobs?kind=batch-predict").json["jobs"]
    assert [one["id"] for one in listed] == [told["id"]]


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({}, 400, "input: Field required"),
        (body(input="missing"), 422, "missing: is not there"),
        (body(input="../secret.csv"), 400, "input"),
        (body(input="/etc/passwd"), 400, "input"),
        (body(input="way-out/secret.csv"), 422, "leads out of the data folder"),
        (body(output="way-out/new"), 422, "leads out of the data folder"),
        (body(output="."), 422, "is the data folder itself"),
        (body(output="in/out"), 409, "lies in the input"),
        (body(input="in/a.csv", output="in/a.csv"), 409, "lies in the input"),
        (body(version=9), 400, "no version 9; it has 2"),
        (body(batch_rows=0), 400, "batch_rows"),
        (body(shard={"index": 2, "of": 1}), 400, "shard"),
        (body(shard={"index": 1, "of": 2}), 400, "run: expected a name"),
        (body(skip="bad"), 400, "skip"),
    ],
    ids=["nothing", "missing", "above", "absolute", "link", "link out", "root", "inside", "same",
         "version", "rows", "shard", "no run", "unknown"],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_before_it_is_queued(
    process: WebProcess, client: Client, asked: Any, status: int, words: str
) -> None:
    before = process.jobs.find("pets", limit=1000)
    answer = client.post(PATH, asked)
    error = answer.json["error"]
    assert (answer.status, words in error) == (status, True), error
    assert process.jobs.find("pets", limit=1000) == before


def test_models_that_answer_nothing_predict_nothing(client: Client) -> None:
    assert client.post("/v1/models/nobody:batch-predict", body()).status == 404
    assert client.post("/v1/models/broken:batch-predict", body()).status == 409


def test_without_a_data_folder_there_is_none(tmp_path: Path) -> None:
    with working(tmp_path, {"pets": FakeVersion()}) as process:
        answer = FlaskClient(process).post(PATH, body())
    assert (answer.status, "data_dir" in answer.json["error"]) == (400, True)


def test_it_needs_the_role_train(tmp_path: Path) -> None:
    (tmp_path / "data" / "in").mkdir(parents=True)
    keys = tmp_path / "keys.json"
    train = bearer(give_key(keys, "trainer", "train", models="pets"))
    predict = bearer(give_key(keys, "client", "predict"))
    fakes = {"pets": FakeVersion(), "other": FakeVersion()}
    with (
        working(tmp_path, fakes, access="keys", data_dir=tmp_path / "data") as process,
        asking(FrontClient, process) as client,
    ):
        asked = [(PATH, train), (PATH, predict), (PATH, {}), (PATH.replace("pets", "other"), train)]
        assert [client.post(path, body(), **key).status for path, key in asked] == [
            202, 403, 401, 403,
        ]  # fmt: skip
