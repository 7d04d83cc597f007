"""Load, unload, reload, retire over HTTP, and how a model stands afterwards."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.repository import control
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.web.admin.version_record import iso_time
from service.web.process import WebProcess
from tests.web.admin.test_swaps import ask, done, version_of
from tests.web.admin.versions import ROWS, worker
from tests.web.client import FlaskClient

DAY_S = 86400.0
FAR = "elsewhere/1:7:7"


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebProcess]:
    monkeypatch.setattr(control, "LOOK_WAIT_S", 0.1)
    with worker(tmp_path) as process:
        yield process


def versions(client: FlaskClient) -> dict[int, Any]:
    return {one["version"]: one for one in done(client, "GET m")["versions"]}


def test_what_is_unloaded_answers_no_more_until_it_is_loaded(client: FlaskClient) -> None:
    assert done(client, "POST m:unload", {"why": "cost"})["is_unloaded"] is True
    assert client.predict("m", {"instances": [[1, 2, 3]]}).status == 404
    record = done(client, "POST m:load")
    assert (record["is_unloaded"], record["current"]) == (False, 3)
    assert version_of(client) == "3"
    assert "took_ms" in record


def test_a_reload_loads_anew_what_goes_on_answering(
    client: FlaskClient, process: WebProcess
) -> None:
    (before,) = (slot for slot in process.pool.slots() if slot.version == 3)
    done(client, "POST m:reload")
    (after,) = (slot for slot in process.pool.slots() if slot.version == 3)
    assert before.served is not after.served
    assert version_of(client) == "3"


def test_what_cannot_be_loaded_says_why(client: FlaskClient) -> None:
    for what, says in (
        ("POST nope:load", "failed to load 'nope'"),
        ("POST broken:load", "x.h5: damaged"),
        ("POST nope:unload", "not in the model repository"),
    ):
        status, record = ask(client, what)
        assert status == 400
        assert says in record["error"]


def test_a_retired_version_is_not_served_until_it_is_restored(client: FlaskClient) -> None:
    record = done(client, "POST m/versions/2:retire")
    assert record["retired"] == [2]
    assert versions(client)[2]["retired"] is True
    assert ask(client, "POST m/versions/2:promote")[0] == 409
    assert ask(client, "POST m/versions/3:retire")[0] == 409
    assert ask(client, "POST m/versions/9:retire")[0] == 404
    assert done(client, "POST m/versions/2:restore")["retired"] == []
    done(client, "POST m/versions/2:promote")


def test_what_is_old_is_retired_and_what_is_needed_stays(
    client: FlaskClient, process: WebProcess
) -> None:
    process.reloader.store.note_used({("m", 2): time.time() - 2 * DAY_S})
    body = {"keep": 1, "days": 3, "dry_run": True}
    would = done(client, "POST m:retire", body)
    assert (would["retired"], would["deleted"], would["dry_run"]) == ([1], [], True)
    assert [one["version"] for one in would["kept"]] == [2, 3]
    assert "within the last 3 days" in would["kept"][0]["reason"]
    assert versions(client)[1]["retired"] is False
    assert done(client, "POST m:retire", {**body, "dry_run": False})["retired"] == [1]
    assert versions(client)[1]["retired"] is True
    assert done(client, "POST m:retire", {"keep": 1, "days": 1})["retired"] == [2]


def test_files_go_where_that_is_asked_for(client: FlaskClient, process: WebProcess) -> None:
    folder = process.settings.repository / "m"
    for version in (1, 2, 3):
        (folder / str(version)).mkdir(parents=True)
        (folder / str(version) / "model.h5").write_bytes(b"x")
    body = {"keep": 1, "days": 0, "delete": True}
    assert done(client, "POST m:retire", {**body, "dry_run": True})["deleted"] == [1, 2]
    assert len(list(folder.iterdir())) == 3
    assert done(client, "POST m:retire", body)["deleted"] == [1, 2]
    assert [path.name for path in folder.iterdir()] == ["3"]


class TestStanding:
    def test_a_version_stands_with_all_that_is_known_of_it(
        self, client: FlaskClient, process: WebProcess
    ) -> None:
        process.reloader.store.note_used({("m", 1): 1e9})
        found = versions(client)
        assert [found[n]["served"] for n in (1, 2, 3)] == [False, False, True]
        assert [found[n]["current"] for n in (1, 2, 3)] == [False, False, True]
        assert [found[n]["labels"] for n in (1, 2, 3)] == [[], [], ["stable"]]
        assert found[1]["last_used"] == "2001-09-09T01:46:40.000Z"
        assert found[2]["last_used"] is None
        (held,) = found[3]["workers"]
        assert (held["state"], held["reason"]) == ("LOADED", "")
        assert held["worker"].startswith("worker ")
        assert found[1]["workers"] == []
        version_of(client)
        assert versions(client)[3]["last_used"] > "2026"

    def test_each_worker_tells_its_part(self, client: FlaskClient, process: WebProcess) -> None:
        store = process.reloader.store
        row = next(row for row in process.reloader.rows if (row.model, row.version) == ("m", 3))
        failed = Held("m", 3, row.identity, Loading.FAILED, "no memory")
        store.report(WorkerRecord(FAR, (failed,), {}, time.time()))
        states = {one["state"]: one["reason"] for one in versions(client)[3]["workers"]}
        assert states == {"LOADED": "", "FAILED": "no memory"}
        store.report(WorkerRecord(FAR, (), {}, time.time()))
        states = {one["state"]: one["reason"] for one in versions(client)[3]["workers"]}
        assert states == {"LOADED": "", "LOADING": ""}

    def test_only_what_is_asked_for_is_told(self, client: FlaskClient) -> None:
        record = done(client, "GET m/versions/1")
        assert [one["version"] for one in record["versions"]] == [1]
        assert record["ready"] is False
        assert record["route"]["current"] == 3
        assert done(client, "GET m/labels/stable")["ready"] is True

    def test_a_cold_version_is_available(self, tmp_path: Path) -> None:
        with worker(tmp_path / "cold", model_memory_mb=1) as process:
            row = next(row for row in process.reloader.rows if row.current)
            cold = Held("m", 3, row.identity, Loading.COLD)
            process.reloader.store.report(WorkerRecord(FAR, (cold,), {}, time.time()))
            process.pool.remove("m", 3)
            status = done(FlaskClient(process), "GET m/versions/3")
        assert status["model_version_status"][0]["state"] == "AVAILABLE"
        assert status["ready"] is True

    def test_without_the_database_this_workers_own_is_told(
        self, client: FlaskClient, process: WebProcess
    ) -> None:
        Path(f"{process.settings.state_dir}/kerasd.sqlite").rename(
            f"{process.settings.state_dir}/away.sqlite"
        )
        process._engine.dispose()
        record = done(client, "GET m")
        assert record["model_version_status"][2]["state"] == "AVAILABLE"
        assert [one["state"] for one in record["versions"][2]["workers"]] == ["LOADED"]
        assert record["swaps"] is None

    def test_all_models_are_listed_with_their_labels(self, client: FlaskClient) -> None:
        record = client.ask("GET", "/v1/models").json
        assert record["models"] == ["broken", "m"]
        labels = {(one["model"], one["version"]): one["labels"] for one in record["versions"]}
        assert labels["m", 3] == ["stable"]
        assert all("workers" not in one for one in record["versions"])


def test_several_loaded_versions_are_all_available(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row.model == "m"]
    with worker(tmp_path / "two", rows) as process:
        client = FlaskClient(process)
        done(client, "PUT m/labels/old", {"version": 1})
        states = {
            one["version"]: one["state"] for one in done(client, "GET m")["model_version_status"]
        }
    assert states == {"1": "AVAILABLE", "2": "END", "3": "AVAILABLE"}


def test_a_retired_version_is_at_its_end(tmp_path: Path) -> None:
    rows = [VersionRow("m", 1, State.RETIRED), *ROWS[2:]]
    with worker(tmp_path / "gone", rows) as process:
        status = done(FlaskClient(process), "GET m/versions/1")["model_version_status"]
    assert status[0]["state"] == "END"


def test_times_are_written_as_everywhere() -> None:
    assert iso_time(0.25) == "1970-01-01T00:00:00.250Z"
