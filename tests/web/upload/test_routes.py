"""The routes for versions, under a WSGI server and under an ASGI server that isn't ours."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.repository.layout import scan
from service.repository.states import State, VersionRow
from tests.loading.handmade import tiny, write_weights, write_whole
from tests.web.client import Client, FakeWorker, FlaskClient, FrontClient, asking, working
from tests.web.upload.forms import CONTENT_TYPE, form

PATH = "/v1/models/m/versions"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[FakeWorker]:
    (tmp_path / "place").mkdir()
    with working(tmp_path / "place", {}, max_upload_mb=2) as started:
        yield started


@pytest.fixture(params=[FlaskClient, FrontClient], ids=["wsgi", "asgi"])
def client(worker: FakeWorker, request: pytest.FixtureRequest) -> Iterator[Client]:
    with asking(request.param, worker) as asked:
        yield asked


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return write_whole(tmp_path / "whole.h5").read_bytes()


def found(worker: FakeWorker) -> list[tuple[str, int]]:
    return [(item.model, item.version) for item in scan(worker.settings.repository)]


def is_clean(worker: FakeWorker) -> bool:
    incoming = worker.settings.state_dir / "incoming"
    hidden = worker.settings.repository.glob(".*")
    return not list(hidden) and not (incoming.is_dir() and list(incoming.iterdir()))


@pytest.mark.slow
class TestUpload:
    def test_a_file_becomes_a_version(
        self, worker: FakeWorker, client: Client, content: bytes
    ) -> None:
        answer = client.post(f"{PATH}?filename=net.h5&why=better", content)
        digest = hashlib.sha256(content).hexdigest()
        assert answer.status == 202
        assert answer.json == {
            "model": "m", "version": 1, "state": "DISCOVERED", "sha256": digest,
            "files": {"net.h5": {"sha256": digest}},
        }  # fmt: skip
        assert (worker.settings.repository / "m/1/net.h5").read_bytes() == content
        entry = worker.reloader.store.audit("m")[0]
        assert (entry.action, entry.who, entry.why) == ("upload", "anybody", "better")
        assert entry.request_id == answer.headers["x-request-id"]
        assert is_clean(worker)

    def test_a_form_becomes_a_version(
        self, worker: FakeWorker, client: Client, tmp_path: Path
    ) -> None:
        weights = write_weights(tmp_path / "w.h5").read_bytes()
        body = form({"architecture.json": json.dumps(tiny()).encode(), "weights.h5": weights})
        assert client.post(PATH, body, content_type=CONTENT_TYPE).status == 202
        assert (worker.settings.repository / "m/1/weights.h5").read_bytes() == weights

    def test_the_same_again_is_no_new_version(
        self, worker: FakeWorker, client: Client, content: bytes
    ) -> None:
        statuses = [client.post(PATH, content, idempotency_key="k").status for _ in range(2)]
        assert statuses == [202, 200]
        assert client.post(f"{PATH}?again=true", content).json["version"] == 2
        assert found(worker) == [("m", 1), ("m", 2)]

    def test_what_is_refused_leaves_nothing(self, worker: FakeWorker, client: Client) -> None:
        answer = client.post(f"{PATH}?filename=net.h5", b"<!doctype html>")
        assert (answer.status, "HTML page" in answer.json["error"]) == (422, True)
        assert (found(worker), is_clean(worker)) == ([], True)


class TestRefused:
    @pytest.mark.parametrize(
        ("path", "size", "status", "words"),
        [
            (PATH, 3 * 1024**2, 413, "max_upload_mb"),
            (PATH, 0, 400, "The body is empty"),
            ("/v1/models/../versions", 10, 400, "model: expected"),
            (f"{PATH}?filename=../net.h5", 10, 400, "file name: expected"),
            (f"{PATH}?version_=1", 10, 400, "expected version, filename"),
            (f"{PATH}?why=a%00", 10, 400, "why: expected one line"),
        ],
        ids=["large", "empty", "model", "name", "query", "why"],
    )
    def test_before_anything_is_looked_at(
        self, worker: FakeWorker, client: Client, path: str, size: int, status: int, words: str
    ) -> None:  # fmt: skip
        answer = client.post(path, b"x" * size)
        assert (answer.status, words in answer.json["error"]) == (status, True)
        assert (found(worker), is_clean(worker)) == ([], True)

    def test_a_web_page(self, worker: FakeWorker, client: Client, content: bytes) -> None:
        answer = client.post(PATH, content, origin="https://example.org")
        assert answer.status == 403
        assert (found(worker), is_clean(worker)) == ([], True)

    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_another_method(self, client: Client, method: str) -> None:
        assert client.ask(method, PATH).status in (400, 405)


class TestDelete:
    @pytest.fixture
    def versions(self, worker: FakeWorker, content: bytes) -> None:
        for number in (1, 2):
            folder = worker.settings.repository / "m" / str(number)
            folder.mkdir(parents=True)
            (folder / "net.h5").write_bytes(content)
        worker.reloader.store.replace(
            [VersionRow("m", number, State.READY, artefact="a") for number in (1, 2)]
        )

    @pytest.mark.usefixtures("versions")
    def test_an_old_version_goes(self, worker: FakeWorker, client: Client) -> None:
        answer = client.ask("DELETE", f"{PATH}/1?why=old")
        assert (answer.status, answer.json) == (200, {"model": "m", "version": 1, "deleted": True})
        assert found(worker) == [("m", 2)]
        assert worker.reloader.store.audit("m")[0].why == "old"

    @pytest.mark.usefixtures("versions")
    @pytest.mark.parametrize(
        ("path", "status"),
        [(f"{PATH}/2", 409), (f"{PATH}/2?force=true", 409), (f"{PATH}/9", 404),
         (f"{PATH}/01", 400), (f"{PATH}/x", 400), (f"{PATH}/1?force=yes", 400),
         ("/v1/models/../versions/1", 400)],
    )  # fmt: skip
    def test_what_must_not_go_stays(
        self, worker: FakeWorker, client: Client, path: str, status: int
    ) -> None:
        assert client.ask("DELETE", path).status == status
        assert found(worker) == [("m", 1), ("m", 2)]

    @pytest.mark.usefixtures("versions")
    def test_one_that_answered_lately_goes_by_force_only(
        self, worker: FakeWorker, client: Client
    ) -> None:
        worker.reloader.store.note_used({("m", 1): 4e9})
        assert client.ask("DELETE", f"{PATH}/1").status == 409
        assert client.ask("DELETE", f"{PATH}/1?force=true").status == 200


def test_nothing_is_taken_where_changes_are_switched_off(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "place").mkdir()
    with (
        working(tmp_path / "place", {}, model_control=False) as worker,
        asking(FlaskClient, worker) as client,
    ):
        assert client.post(PATH, content).status == 403
        assert client.ask("DELETE", f"{PATH}/1").status == 403
        assert found(worker) == []
