"""The client's calls for jobs against a real worker behind the real edge."""

import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from service.base.errors import ServiceRefused, ServiceUnreachable
from service.client import Client
from service.jobs.job import JobState
from tests.running import wait_until
from tests.scripted import JOB, Line, job_record, scripted
from tests.web.jobs.world import Program, World, submit, world

CSV = "a,b,c,y\n" + "".join(f"{n},{n % 7},{n % 5},{n % 3}\n" for n in range(300))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, job_streams=1) as made:
        wait_until(lambda: bool(made.process.pool.slots()), "the models are loaded", 10)
        yield made


@pytest.fixture
def client(here: World) -> Iterator[Client]:
    with Client(here.url, retries=0) as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "train set.csv"
    path.write_text(CSV)
    return path


def test_data_is_sent_and_a_retrain_asked_for_and_cancelled(
    here: World, client: Client, source: Path
) -> None:
    told = client.upload_data("m", source)
    assert told["name"] == "train set.csv"
    assert client.data_files("m") == [told]
    request = {"data": {"file": told["file"]}, "fit": {"epochs": 2}}
    client.trigger = "cli"
    job = client.retrain("m", request, key="once", why="new rows")
    assert client.retrain("m", request, key="once").id == job.id
    assert (job.state, job.trigger, job.is_ended) == ("QUEUED", "cli", False)
    assert job.request is not None
    assert job.request["fit"]["epochs"] == 2
    assert [one.id for one in client.jobs("m", state="QUEUED")] == [job.id]
    with pytest.raises(ServiceRefused, match="has not ended"):
        client.delete_data("m", told["file"])
    assert client.cancel(job.id, "wrong file").state == "CANCELLED"
    assert client.wait(job.id).is_ended
    assert client.delete_data("m", told["file"])["deleted"]
    assert [change.action for change in client.audit("m")] == [
        "delete-data", "cancel", "retrain", "upload-data",
    ]  # fmt: skip
    evaluation = client.evaluate("m", {"data": {"file": client.upload_data("m", source)["file"]}})
    assert evaluation.kind == "evaluate"


def test_every_refusal_has_its_status(client: Client, source: Path) -> None:
    for call, status in (
        (lambda: client.retrain("m", {}), 400),
        (lambda: client.retrain("nobody", {}), 404),
        (lambda: client.retrain("m", {"data": {"file": "none.csv"}}), 422),
        (lambda: client.evaluate("m", {"data": {"file": "none.csv"}}, version=7), 400),
        (lambda: client.upload_data("m", source, "x.exe"), 400),
        (lambda: client.job("x"), 404),
        (lambda: next(client.events("x")), 404),
        (lambda: client.compare("m", 1, 2), 409),
        (lambda: client.download("x", "report.json", source), 404),
    ):
        with pytest.raises(ServiceRefused) as refused:
            call()
        assert refused.value.status == status
    assert source.read_text() == CSV


def test_events_come_as_they_happen_until_the_end(here: World, client: Client) -> None:
    program = Program(here.process)
    told = client.events(program.id)
    assert [next(told).name for _ in range(3)] == ["state", "state", "job"]
    program.epoch(1, loss=0.5)
    assert [next(told).data.get("body") for _ in range(2)] == [{"epoch": 1, "loss": 0.5}, None]
    program.finish(version=3)
    assert [news.name for news in told] == ["state", "end"]
    assert [news.name for news in client.events(program.id, after=4)] == ["end"]
    assert client.job(program.id).result == {"version": 3}


def test_who_finds_no_place_to_watch_asks_again_and_again(here: World, client: Client) -> None:
    program = Program(here.process)
    with Client(here.url, retries=0) as first:
        taken = first.events(program.id)
        next(taken)
        told = client.events(program.id)
        assert [(news.name, news.id) for news in (next(told), next(told))] == [
            ("state", 1), ("state", 2),
        ]  # fmt: skip
        program.finish(JobState.CANCELLED)
        assert [news.name for news in told if news.name != "job"] == ["state", "end"]
        taken.close()


def streamed(name: str, state: str) -> Line:
    """One event, and the end of the connection."""
    return Line(body=b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(job_record(state))))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are short."""
    for module in ("client_jobs", "client_patience"):
        monkeypatch.setattr(f"service.{module}.PAUSE_S", 0.01)


AWAY = [Line(drop=True), Line(502, b"<html>"), Line(504, b""), Line(drop=True)]


def test_a_service_that_stays_away_is_told_of() -> None:
    with scripted(Line(body={})) as server:
        url = server.url
    with Client(url, retries=0) as client:
        with pytest.raises(ServiceUnreachable):
            next(client.events(JOB, patience_s=0))
        with pytest.raises(ServiceUnreachable):
            client.wait(JOB, patience_s=0)
        with pytest.raises(ServiceUnreachable):
            client.wait(JOB, timeout_s=0)


@pytest.mark.usefixtures("hasty")
def test_who_watches_or_waits_outlives_a_service_and_proxy_that_are_away() -> None:
    full = [Line(503, b""), Line(503, b"")]  # the second answers who asks for no stream
    lines = [streamed("job", "RUNNING"), *AWAY, *full, streamed("end", "SUCCEEDED")]
    with scripted(*lines) as server, Client(server.url, retries=0) as client:
        assert [news.name for news in client.events(JOB)] == ["job", "end"]
    lines = [Line(body=job_record("RUNNING")), *AWAY, Line(503), Line(body=job_record("SUCCEEDED"))]
    with scripted(*lines) as server, Client(server.url, retries=0) as client:
        assert client.wait(JOB).state == "SUCCEEDED"


@pytest.mark.usefixtures("hasty")
def test_patience_with_a_quiet_job_begins_when_the_service_is_away() -> None:
    """Each connection lasts for longer than the patience, and tells nothing new."""
    quiet = [Line(body=b": alive\n\n"), Line(drop=True)] * 3
    lines = [*quiet, streamed("end", "SUCCEEDED")]
    with scripted(*lines) as server, Client(server.url, retries=0) as client:
        assert [news.name for news in client.events(JOB, patience_s=0.001)] == ["end"]


def test_an_order_is_sent_again_after_a_connection_that_broke() -> None:
    with scripted(Line(drop=True), Line(202, job_record("QUEUED"))) as server:
        with Client(server.url) as client:
            assert client.retrain("m", {}).id == JOB
        first, second = server.asked
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


def test_a_download_that_breaks_off_is_told_of_and_leaves_nothing(tmp_path: Path) -> None:
    headers = {"Transfer-Encoding": "chunked", "Connection": "close"}
    cut = Line(body=b"8\r\nhalf", headers=headers)
    with (
        scripted(cut) as server,
        Client(server.url, retries=0) as client,
        pytest.raises(ServiceUnreachable),
    ):
        client.download(JOB, "model.keras", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_logs_and_artefacts_are_read(here: World, client: Client, tmp_path: Path) -> None:
    job = submit(here.process).id
    folder = here.process.settings.jobs_dir / job
    (folder / "logs" / "train").mkdir(parents=True)
    (folder / "logs" / "train" / "events 1").write_bytes(bytes(300_000))
    (folder / "job.log").write_text("first\nsecond\n")
    assert client.job_log(job) == "first\nsecond\n"
    assert client.job_log(job, tail=8) == "second\n"
    names = [one["name"] for one in client.artefacts(job)]
    assert names == ["job.log", "logs/train/events 1"]
    client.download(job, names[1], tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == bytes(300_000)
    assert client.evaluations("m") == []


def test_several_watch_without_a_thread_each(tmp_path: Path) -> None:
    with world(tmp_path, job_streams=8, flask_threads=1) as here:
        program = Program(here.process)
        seen: list[list[int | None]] = [[] for _ in range(4)]

        def follow(place: int) -> None:
            with Client(here.url, retries=0) as client:
                seen[place].extend(news.id for news in client.events(program.id) if news.id)

        threads = [threading.Thread(target=follow, args=(place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: here.watchers.count == 4, "all watch", 10)
        for number in range(1, 6):
            program.epoch(number)
        program.finish()
        for thread in threads:
            thread.join(20)
        assert seen == [list(range(1, 9))] * 4
