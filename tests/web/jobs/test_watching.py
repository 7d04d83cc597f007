"""Jobs as they are told: lists, one job with its epochs, events as JSON, its log, its artefacts."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from service.jobs.job import JobState
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.access.keyed import bearer, give_key
from tests.web.client import Client, FlaskClient, FrontClient, asking, working
from tests.web.jobs.world import Program, submit

UNKNOWN = "20261126-141530123-9f8e3a1c"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with working(tmp_path, {"m": FakeVersion(), "other": FakeVersion()}) as worker:
        yield worker


def ids(client: Client, query: str = "") -> list[str]:
    answer = client.ask("GET", f"/v1/jobs?{query}")
    assert answer.status == 200, answer.body
    return [job["id"] for job in answer.json["jobs"]]


def test_jobs_are_listed_newest_first_and_found(process: WebProcess, client: Client) -> None:
    first = Program(process, "m")
    second, third = submit(process, "m"), submit(process, "other")
    newest_first = sorted([first.id, second.id, third.id], reverse=True)
    assert ids(client) == newest_first
    assert ids(client, "model=other") == [third.id]
    assert ids(client, "state=RUNNING") == [first.id]
    assert ids(client, "kind=evaluate") == []
    assert ids(client, "kind=retrain&limit=2") == newest_first[:2]
    assert ids(client, f"before={newest_first[1]}") == newest_first[2:]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("state=running", "state: expected QUEUED"),
        ("kind=x", "kind: expected retrain"),
        ("limit=0", "limit: expected"),
        ("limit=1001", "up to 1000"),
        ("before=x", "before: expected the id of a job"),
        ("model=a/b", "model: expected"),
        ("x=1", "expected model, state, kind, limit, before"),
    ],
)
def test_a_list_that_cannot_be_understood_is_refused(
    client: Client, query: str, words: str
) -> None:
    answer = client.ask("GET", f"/v1/jobs?{query}")
    assert answer.status == 400
    assert words in answer.json["error"]


def test_a_job_is_told_with_its_epochs(process: WebProcess, client: Client) -> None:
    program = Program(process, trigger="cli", priority=3)
    program.epoch(1, loss=0.9, learning_rate=0.01)
    program.epoch(2, loss=0.7)
    program.epoch(2, loss=0.6)  # the attempt before was killed
    program.progress(epoch=2, epochs=5)
    told = client.ask("GET", f"/v1/jobs/{program.id}").json
    assert (told["kind"], told["model"], told["state"]) == ("retrain", "m", "RUNNING")
    assert (told["by"], told["trigger"], told["priority"], told["attempt"]) == ("ann", "cli", 3, 1)
    assert told["created_at"] == "2027-01-15T08:00:00.000Z"
    assert told["ended_at"] is None
    assert told["epochs"] == [
        {"epoch": 1, "loss": 0.9, "learning_rate": 0.01}, {"epoch": 2, "loss": 0.6},
    ]  # fmt: skip
    assert told["progress"]["epochs"] == 5
    assert told["request"] == {"data": {"file": "train.csv"}}
    program.finish(JobState.GATED, verdict={"passed": False})
    told = client.ask("GET", f"/v1/jobs/{program.id}").json
    assert (told["state"], told["result"]) == ("GATED", {"verdict": {"passed": False}})


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.FAILED])
def test_a_fit_that_came_to_nothing_is_summed_up(
    process: WebProcess, client: Client, state: JobState
) -> None:
    program = Program(process)
    first = {"epoch": 1, "val_loss": 0.5}
    program.epoch(1, val_loss=0.5)
    program.epoch(2, val_loss=0.9)
    program.progress(epoch=2, epochs=5, best_epoch=1)
    program.finish(state)
    fit = client.ask("GET", f"/v1/jobs/{program.id}").json["result"]["epochs"]
    assert (fit["epochs_run"], fit["best_epoch"], fit["best"]) == (2, 1, first)
    assert fit["stopped_by"] == state.value
    assert fit["stopped_why"] == state.value.lower()


def test_events_are_told_in_json_to_who_does_not_ask_for_a_stream(
    process: WebProcess, client: Client
) -> None:
    program = Program(process)
    program.epoch(1)
    path = f"/v1/jobs/{program.id}/events"
    told = client.ask("GET", path, accept="*/*").json
    assert told["job"]["id"] == program.id
    assert [event["id"] for event in told["events"]] == [1, 2, 3]
    assert told["events"][2]["body"] == {"epoch": 1}
    assert [e["id"] for e in client.ask("GET", f"{path}?after=1&limit=1").json["events"]] == [2]
    assert client.ask("GET", path, last_event_id="2").json["events"][0]["id"] == 3
    assert client.ask("GET", f"{path}?after=x").status == 400
    assert client.ask("GET", f"{path}?limit=0").status == 400


def test_a_server_without_a_loop_tells_what_there_is_and_when_to_come_again(
    process: WebProcess,
) -> None:
    program = Program(process)
    with asking(FlaskClient, process) as client:
        answer = client.ask("GET", f"/v1/jobs/{program.id}/events", accept="text/event-stream")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body.startswith(b"retry: 2000\n\nid: 1\nevent: state\ndata: {")
    assert b"\nevent: job\n" in answer.body
    assert b"\nevent: end\n" not in answer.body


def test_the_end_of_a_log_begins_with_a_whole_line(process: WebProcess, client: Client) -> None:
    program = Program(process)
    path = f"/v1/jobs/{program.id}/log"
    assert client.ask("GET", path).body == b""
    folder = process.settings.jobs_dir / program.id
    folder.mkdir(parents=True)
    (folder / "job.log").write_bytes(b"first\nsecond \xff\nthird\n")
    whole = client.ask("GET", path)
    assert whole.body.decode() == "first\nsecond \N{REPLACEMENT CHARACTER}\nthird\n"
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert client.ask("GET", f"{path}?tail=10").body == b"third\n"
    assert client.ask("GET", f"{path}?tail=0").status == 400


def test_artefacts_are_listed_and_sent_as_downloads(process: WebProcess, client: Client) -> None:
    program = Program(process)
    folder = process.settings.jobs_dir / program.id
    (folder / "logs" / "train").mkdir(parents=True)
    (folder / "report.json").write_bytes(b"{}")
    (folder / "logs" / "train" / "events").write_bytes(bytes(600_000))
    path = f"/v1/jobs/{program.id}/artefacts"
    listed = client.ask("GET", path).json
    assert [(one["name"], one["bytes"]) for one in listed["artefacts"]] == [
        ("logs/train/events", 600_000), ("report.json", 2),
    ]  # fmt: skip
    report = client.ask("GET", f"{path}/report.json")
    assert (report.status, report.body) == (200, b"{}")
    assert report.headers["content-type"] == "application/json"
    assert report.headers["content-disposition"] == "attachment; filename=report.json"
    events = client.ask("GET", f"{path}/logs/train/events")
    assert events.body == bytes(600_000)
    assert events.headers["content-length"] == "600000"
    for name in ("../report.json", "logs/../report.json", "data/x", "%2e%2e/x", "logs/train"):
        assert client.ask("GET", f"{path}/{name}").status == 404, name
    for _ in range(5):  # each gives its place back
        assert client.ask("GET", f"{path}/logs/train/events").status == 200


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("\u00fc.h5", "attachment; filename*=UTF-8''%C3%BC.h5"),
        ("\U0001f600.h5", "attachment; filename*=UTF-8''%F0%9F%98%80.h5"),
        ('a"; x=y.h5', 'attachment; filename="a\\"; x=y.h5"'),
    ],
    ids=["latin", "other", "quotes"],
)
def test_a_file_of_any_name_is_sent_and_gives_its_place_back(
    process: WebProcess, client: Client, name: str, told: str
) -> None:
    program = Program(process)
    folder = process.settings.jobs_dir / program.id / "checkpoints"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"weights")
    sent = quote(name) if isinstance(client, FlaskClient) else name  # as servers undo it
    path = f"/v1/jobs/{program.id}/artefacts/checkpoints/{sent}"
    for _ in range(4):
        answer = client.ask("GET", path)
        assert (answer.status, answer.body) == (200, b"weights")
        assert answer.headers["content-disposition"] == told


@pytest.mark.parametrize("place", ["", "/events", "/log", "/artefacts", "/artefacts/report.json"])
@pytest.mark.parametrize("job", [UNKNOWN, "x", "..", "%00"])
def test_no_job_is_nothing(client: Client, job: str, place: str) -> None:
    assert client.ask("GET", f"/v1/jobs/{job}{place}").status in (400, 404)


def test_a_key_for_one_model_sees_no_other_and_not_whether_there_is_one(tmp_path: Path) -> None:
    key = bearer(give_key(tmp_path / "keys.json", "limited", "read", models="m"))
    fakes = {"m": FakeVersion(), "other": FakeVersion()}
    with (
        working(tmp_path, fakes, access="keys") as process,
        asking(FrontClient, process) as client,
    ):
        own, foreign = submit(process, "m").id, submit(process, "other").id
        assert client.ask("GET", "/v1/jobs?model=m", **key).json["jobs"][0]["id"] == own
        for path in ("?model=other", "", f"/{foreign}", f"/{UNKNOWN}", f"/{foreign}/log", "/x"):
            answer = client.ask("GET", f"/v1/jobs{path}", **key)
            assert answer.status == 403, path
            assert "may ask for its models only: m" in answer.json["error"]
        assert client.ask("GET", f"/v1/jobs/{own}", **key).status == 200
