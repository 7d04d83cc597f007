"""Asking for jobs over HTTP, against the real table and the real check of data, and ending them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.jobs.job import JobState, Kind
from service.recipe.evaluation import EvaluateRequest
from service.recipe.retrain import RetrainRequest
from service.repository.model_config import ModelConfig
from service.repository.states import State
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.access.keyed import bearer, give_key
from tests.web.client import Answer, Client, FlaskClient, FrontClient, asking, row, working
from tests.web.jobs.world import Program, submit

LABELS = ("cat", "dog", "owl")
RETRAIN = "/v1/models/pets:retrain"
EVALUATE = "/v1/models/pets:evaluate"
ROWS = [f"{n},{n % 7},{n % 5},{LABELS[n % 3]}" for n in range(300)]
GOOD = "\n".join(["a,b,c,y", *ROWS, ""])

CONFIGS = {
    "pets": ModelConfig(labels=LABELS),
    "nightly": ModelConfig(
        labels=LABELS, retrain={"data": {"file": "good.csv"}, "fit": {"epochs": 7}, "priority": 5}
    ),
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    folder = tmp_path_factory.mktemp("ordering")
    data = folder / "data-folder"
    data.mkdir()
    (data / "good.csv").write_text(GOOD)
    (data / "bad.csv").write_text(
        "a,b,c,y\n" + "\n".join([*ROWS[:100], "1,nan,3,cat", "1,2,3,hen", "1,2,3,hen"]) + "\n"
    )
    (data / "narrow.csv").write_text("a,b,y\n1,2,cat\n3,4,dog\n")
    fakes = {"pets": FakeVersion(), "nightly": FakeVersion()}
    with working(folder, fakes, CONFIGS, data_dir=data) as worker:
        yield worker


@pytest.fixture
def client(process: WebProcess) -> Client:
    return FlaskClient(process)


def body(**more: Any) -> dict[str, Any]:
    return {"data": {"file": "good.csv"}, **more}


def error(answer: Answer) -> str:
    text: str = answer.json["error"]
    return text


def test_a_retrain_is_accepted_with_what_its_data_came_to(
    process: WebProcess, client: Client
) -> None:
    asked = body(fit={"epochs": 3}, compile={"optimizer": "sgd", "learning_rate": 0.1}, priority=2)
    answer = client.post(f"{RETRAIN}?why=new%20labels", asked)
    assert answer.status == 202, answer.body
    told = answer.json
    assert answer.headers["location"] == f"/v1/jobs/{told['id']}"
    assert (told["state"], told["kind"], told["model"], told["priority"]) == (
        "QUEUED", "retrain", "pets", 2,
    )  # fmt: skip
    assert told["data"]["rows"] == 300
    assert sum(told["data"]["parts"].values()) == 300
    job = process.jobs.get(told["id"])
    read = RetrainRequest.model_validate(job.request)
    assert read == RetrainRequest.model_validate(asked)
    assert (job.by, job.trigger) == ("anybody", "api")
    entry = process.reloader.store.audit("pets")[0]
    assert (entry.action, entry.why, entry.after) == ("retrain", "new labels", {"job": job.id})
    assert entry.request_id == answer.headers["x-request-id"]
    assert client.ask("GET", f"/v1/jobs/{job.id}").json["request"]["fit"]["epochs"] == 3


def test_model_yaml_has_the_defaults_and_the_request_the_last_word(client: Client) -> None:
    answer = client.post("/v1/models/nightly:retrain", {"fit": {"batch_size": 8}})
    assert answer.status == 202, answer.body
    told = answer.json["request"]
    assert (told["fit"]["epochs"], told["fit"]["batch_size"]) == (7, 8)
    assert (told["data"]["file"], answer.json["priority"]) == ("good.csv", 5)


def test_what_was_said_of_a_version_that_is_gone_counts_no_more(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "good.csv").write_text(GOOD)
    once = ModelConfig(labels=LABELS, retrain={"promote": "auto", "priority": 50})
    gone = replace(row("pets", State.RETIRED, config=once), version=3)
    fakes = {"pets": FakeVersion()}
    with working(tmp_path, fakes, CONFIGS, (gone,), data_dir=tmp_path / "data") as worker:
        asked = RetrainRequest.model_validate(body())
        answer = FlaskClient(worker).post(RETRAIN, body())
    assert answer.status == 202, answer.body
    told = (answer.json["request"]["promote"], answer.json["priority"])
    assert told == (asked.promote, 0) != ("auto", 50)


def test_the_same_key_is_the_same_job(process: WebProcess, client: Client) -> None:
    before = len(process.jobs.find("pets", limit=1000))
    first = client.post(RETRAIN, body(description="once"), idempotency_key="k1")
    again = client.post(RETRAIN, body(description="once"), idempotency_key="k1")
    other = client.post(RETRAIN, body(description="twice"), idempotency_key="k1")
    assert [a.status for a in (first, again, other)] == [202, 200, 409]
    assert first.json["id"] == again.json["id"]
    assert again.headers["location"] == first.headers["location"]
    assert first.json["id"] in error(other)
    assert len(process.jobs.find("pets", limit=1000)) == before + 1
    assert client.post(RETRAIN, body(), idempotency_key="k" * 256).status == 400


def test_the_same_key_is_the_same_job_though_model_yaml_was_changed(tmp_path: Path) -> None:
    def config(epochs: int) -> ModelConfig:
        return ModelConfig(labels=LABELS, retrain={"fit": {"epochs": epochs}})

    (tmp_path / "good.csv").write_text(GOOD)
    with working(tmp_path, {"m": FakeVersion()}, {"m": config(7)}, data_dir=tmp_path) as worker:
        client, store = FlaskClient(worker), worker.reloader.store
        first = client.post("/v1/models/m:retrain", body(), idempotency_key="k")
        store.replace([replace(row, config=config(9)) for row in store.rows("m")])
        again = client.post("/v1/models/m:retrain", body(), idempotency_key="k")
        spelt_out = body(fit={"epochs": 7})
        other = client.post("/v1/models/m:retrain", spelt_out, idempotency_key="k")
    assert [a.status for a in (first, again, other)] == [202, 200, 409], first.body
    assert again.json["id"] == first.json["id"]
    assert again.json["request"]["fit"]["epochs"] == 7


def test_bad_rows_are_counted_and_named(process: WebProcess, client: Client) -> None:
    before = process.jobs.find("pets", limit=1000)
    answer = client.post(RETRAIN, {"data": {"file": "bad.csv"}})
    assert answer.status == 422
    assert "bad.csv" in error(answer)
    assert "2 unknown labels (lines 103, 104)" in error(answer)
    assert process.jobs.find("pets", limit=1000) == before


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({}, 400, "data: Field required"),
        (body(fit={"epochs": 0}), 400, "fit.epochs"),
        (body(fit={"epoch": 3}), 400, "fit: 'epoch' is unknown"),
        (body(compile={"optimizer": "sdg"}), 400, "no optimizer 'sdg' is offered here"),
        (body(callbacks={"EarlyStopping": {"patients": 3}}), 400, "EarlyStopping: 'patients'"),
        (body(gate={"metric": "rmse"}), 400, "gate.metric"),
        (body(gate={"min_class_recall": {"hen": 0.5}}), 400, "no class 'hen'"),
        (body(init={"version": 9}), 400, "no version 9; it has 2"),
        (body(init={"from": "file", "weights_file": "w.h5"}), 422, "w.h5: is not there"),
        ({"data": {"file": "missing.csv"}}, 422, "missing.csv: is not there"),
        ({"data": {"file": "../good.csv"}}, 400, "data.file"),
        ({"data": {"file": "narrow.csv"}}, 422, "narrow.csv"),
        ({"data": {"from_feedback": {}}}, 422, "feedback of model 'pets'"),
    ],
    ids=["no data", "epochs", "unknown key", "optimizer", "callback", "gate", "class", "version",
         "weights", "missing", "path", "columns", "feedback"],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_before_it_is_queued(
    process: WebProcess, client: Client, asked: Any, status: int, words: str
) -> None:
    before = process.jobs.find("pets", limit=1000)
    answer = client.post(RETRAIN, asked)
    assert (answer.status, words in error(answer)) == (status, True), error(answer)
    assert process.jobs.find("pets", limit=1000) == before


@pytest.mark.parametrize("sent", [b"{", b"[]", b'{"data": {}, "data": {}}', b"\xff", b"x" * 70_000])
def test_a_body_that_is_no_object_is_refused(client: Client, sent: bytes) -> None:
    assert client.post(RETRAIN, sent).status == 400


def test_nobody_retrains_what_is_not_there(client: Client) -> None:
    for verb in ("retrain", "evaluate"):
        assert client.post(f"/v1/models/nobody:{verb}", body()).status == 404
    assert client.post("/v1/models/pets/versions/9:evaluate", body()).status == 400
    assert client.post(f"{RETRAIN}?trigger=me", body()).status == 400
    assert client.post(f"{RETRAIN}?x=1", body()).status == 400


def test_an_evaluation_is_of_the_versions_that_are_named(
    process: WebProcess, client: Client
) -> None:
    current = client.post(f"{EVALUATE}?trigger=cli", body(dataset="january"))
    by_path = client.post("/v1/models/pets/versions/2:evaluate", body())
    assert [current.status, by_path.status] == [202, 202]
    jobs = [process.jobs.get(answer.json["id"]) for answer in (current, by_path)]
    assert [job.kind for job in jobs] == [Kind.EVALUATE] * 2
    assert [EvaluateRequest.model_validate(job.request).versions for job in jobs] == [(), (2,)]
    assert jobs[0].trigger == "cli"
    entries = process.reloader.store.audit("pets")[:2]
    assert [(e.action, e.after["job"]) for e in entries] == [
        ("evaluate", jobs[1].id), ("evaluate", jobs[0].id),
    ]  # fmt: skip
    assert client.post(EVALUATE, body(versions=[2, 9])).status == 400
    clash = client.post("/v1/models/pets/versions/2:evaluate", body(versions=[1]))
    assert (clash.status, "versions" in error(clash)) == (400, True)


def test_a_version_that_is_not_ready_is_told_as_such(tmp_path: Path) -> None:
    others = (row("broken", State.FAILED, "no weights"),)
    with working(tmp_path, {}, None, others) as worker:
        client = FlaskClient(worker)
        answer = client.post("/v1/models/broken:retrain", body())
        named = client.post("/v1/models/broken:retrain", body(init={"version": 2}))
    assert (answer.status, "No version of model broken is current" in error(answer)) == (409, True)
    assert (named.status, "FAILED, not READY: no weights" in error(named)) == (409, True)


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_told(tmp_path: Path) -> None:
    with working(tmp_path, {"m": FakeVersion()}) as process:
        client = FlaskClient(process)
        running = Program(process)
        waiting = submit(process)
        told = client.post(f"/v1/jobs/{waiting.id}:cancel?why=wrong%20file")
        assert (told.status, told.json["state"]) == (200, "CANCELLED")
        told = client.post(f"/v1/jobs/{running.id}:cancel")
        assert (told.json["state"], told.json["is_cancel_asked"]) == ("RUNNING", True)
        assert client.post(f"/v1/jobs/{running.id}:cancel").status == 200
        running.finish(JobState.CANCELLED)
        assert client.post(f"/v1/jobs/{running.id}:cancel").json["state"] == "CANCELLED"
        audit = process.reloader.store.audit("m")
        assert [(e.action, e.after["job"], e.why) for e in audit] == [
            ("cancel", running.id, ""), ("cancel", waiting.id, "wrong file"),
        ]  # fmt: skip
        assert client.post("/v1/jobs/20261126-141530123-9f8e3a1c:cancel").status == 404
        assert client.post(f"/v1/jobs/{waiting.id}:cancel", {"why": "x"}).status == 400


def test_each_role_may_do_its_own(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    train = bearer(give_key(keys, "trainer", "train", models="m"))
    read = bearer(give_key(keys, "reader", "read"))
    page = {"origin": "http://evil.example"}
    fakes = {"m": FakeVersion(), "other": FakeVersion()}
    with (
        working(tmp_path, fakes, access="keys") as process,
        asking(FrontClient, process) as client,
    ):
        job, foreign = Program(process).id, Program(process, "other").id
        sent = orjson.dumps({"data": {"file": "none.csv"}})
        asked = [
            ("/v1/models/m:retrain", train), ("/v1/models/other:retrain", train),
            ("/v1/models/m:retrain", read), ("/v1/models/m:evaluate", {}),
            (f"/v1/jobs/{foreign}:cancel", train), (f"/v1/jobs/{job}:cancel", read),
        ]  # fmt: skip
        statuses = [client.post(path, sent, **key).status for path, key in asked]
        assert statuses == [422, 403, 403, 401, 403, 403]
        assert client.post(f"/v1/jobs/{job}:cancel", **train).status == 200
        assert process.reloader.store.audit("m")[0].who == "trainer"
    with working(tmp_path / "open", fakes) as process, asking(FrontClient, process) as client:
        assert client.post("/v1/models/m:retrain", sent, **page).status == 403
