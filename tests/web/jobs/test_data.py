"""Data files over HTTP: through the edge to the disk, named by their content, listed, deleted."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from service.data.places import DataPlaces, find_data
from service.jobs.job import JobOrder, Kind
from tests.fakes import FakeVersion
from tests.running import wait_until
from tests.web.client import Client, FlaskClient, FrontClient, asking, working
from tests.web.jobs.world import World, world

CSV = b"a,b,y\n1,2,0\n3,4,1\n"
SHA256 = hashlib.sha256(CSV).hexdigest()
FILE = f"{SHA256}.csv"
PATH = "/v1/models/m/data"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("data"), max_data_mb=1) as made:
        wait_until(lambda: bool(made.process.reloader.rows), "the model is known", 10)
        yield made


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test has sent is gone after it, and nothing is left on the way."""
    yield
    if "here" in request.fixturenames:
        made: World = request.getfixturevalue("here")
        for told in requests.get(f"{made.url}{PATH}", timeout=20).json()["files"]:
            requests.delete(f"{made.url}{PATH}/{told['file']}", timeout=20)
        incoming = made.process.settings.state_dir / "incoming"
        wait_until(lambda: not incoming.is_dir() or not list(incoming.iterdir()), "swept", 10)


def post(
    here: World, content: bytes = CSV, query: str = "name=train.csv", **headers: str
) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{here.url}{PATH}?{query}", data=content, headers=named, timeout=30)


def test_a_file_is_kept_by_its_content(here: World) -> None:
    answer = post(here)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["file"], told["sha256"], told["bytes"]) == (FILE, SHA256, len(CSV))
    assert (told["name"], told["by"]) == ("train.csv", "anybody")
    again = post(here, query="name=the-same.csv")
    assert (again.status_code, again.json()) == (200, told)
    uploads = here.process.settings.uploads_dir / "m"
    found = find_data(FILE, DataPlaces(uploads))
    assert found.read_bytes() == CSV
    assert found.stat().st_mode & 0o077 == 0
    assert requests.get(f"{here.url}{PATH}", timeout=20).json() == {"files": [told]}


@pytest.mark.parametrize("name", ["old.hdf5", "old.hdf", "a.weights.h5", "a.keras", "cp.zip"])
def test_a_weights_file_is_taken(here: World, name: str) -> None:
    begin = b"PK\x03\x04" if name.endswith((".zip", ".keras")) else b"\x89HDF\r\n\x1a\n"
    answer = post(here, begin, f"name={name}")
    assert answer.status_code == 201
    sha256 = hashlib.sha256(begin).hexdigest()
    assert answer.json()["file"] == f"{sha256}.{name.rpartition('.')[2]}"


def test_a_file_without_its_note_is_taken_when_it_comes_again(here: World) -> None:
    """A worker was killed between the two."""
    post(here)
    uploads = here.process.settings.uploads_dir / "m"
    (uploads / f"{FILE}.note").unlink()
    assert requests.get(f"{here.url}{PATH}", timeout=20).json() == {"files": []}
    assert post(here).status_code == 201
    assert (uploads / FILE).read_bytes() == CSV


def test_a_deleted_file_is_gone(here: World) -> None:
    post(here)
    url = f"{here.url}{PATH}/{FILE}"
    assert requests.delete(url, timeout=20).json()["deleted"]
    assert list((here.process.settings.uploads_dir / "m").iterdir()) == []
    assert requests.delete(url, timeout=20).status_code == 404


def test_a_note_without_its_file_keeps_nobody_from_sending_it_again(here: World) -> None:
    """Somebody has removed the file by hand."""
    post(here)
    uploads = here.process.settings.uploads_dir / "m"
    (uploads / FILE).unlink()
    assert requests.get(f"{here.url}{PATH}", timeout=20).json() == {"files": []}
    assert post(here).status_code == 201
    assert (uploads / FILE).read_bytes() == CSV
    (uploads / FILE).unlink()
    assert requests.delete(f"{here.url}{PATH}/{FILE}", timeout=20).status_code == 404
    assert list(uploads.iterdir()) == []


def test_files_that_come_and_go_at_the_same_moment_are_whole_or_not_there(here: World) -> None:
    def remove() -> requests.Response:
        return requests.delete(f"{here.url}{PATH}/{FILE}", timeout=30)

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(remove if n % 3 == 0 else lambda: post(here)) for n in range(90)]
        codes = {one.result().status_code for one in asked}

    assert codes <= {200, 201, 404, 429}
    post(here)
    uploads = here.process.settings.uploads_dir / "m"
    assert sorted(path.name for path in uploads.iterdir()) == [FILE, f"{FILE}.note"]
    assert (uploads / FILE).read_bytes() == CSV


def test_a_file_that_a_waiting_job_reads_stays(here: World) -> None:
    post(here)
    order = JobOrder(Kind.RETRAIN, "m", {"data": {"file": FILE}}, "ann")
    job = here.process.jobs.submit(order, 0.0)
    later = [JobOrder(Kind.RETRAIN, "m", {}, "ann") for _ in range(150)]
    others = [here.process.jobs.submit(one, 0.5) for one in later]
    answer = requests.delete(f"{here.url}{PATH}/{FILE}", timeout=20)
    assert answer.status_code == 409
    assert job.id in answer.json()["error"]
    for one in (job, *others):
        here.process.jobs.ask_cancel(one.id, 1.0)
    assert requests.delete(f"{here.url}{PATH}/{FILE}", timeout=20).status_code == 200


@pytest.mark.parametrize(
    ("query", "content", "status", "words"),
    [
        ("", CSV, 400, "name: expected a file name"),
        ("name=train.exe", CSV, 400, "name: expected a file name"),
        ("name=cp.ckpt.index", CSV, 400, "a TensorFlow checkpoint is sent as one .zip"),
        ("name=../train.csv", CSV, 400, "name: expected a file name"),
        ("name=a.csv&name=b.csv", CSV, 400, "a name stands there twice"),
        ("name=a.csv&x=1", CSV, 400, "expected name, why"),
        ("name=a.csv", b"", 400, "The body is empty"),
        ("name=a.csv", b"\x80\x04\x95pickled", 422, "a.csv: is a pickle"),
        ("name=a.npz", b"a,b\n", 422, "a.npz: is no NPZ file"),
        ("name=a.h5", CSV, 422, "neither HDF5"),
        ("name=a.csv", b"x" * (1024**2 + 1), 413, "raise the setting max_data_mb"),
    ],
    ids=["none", "suffix", "checkpoint", "path", "twice", "more", "empty", "pickle", "npz",
         "weights", "large"],
)  # fmt: skip
def test_what_is_no_data_is_refused_and_nothing_kept(
    here: World, query: str, content: bytes, status: int, words: str
) -> None:
    answer = post(here, content, query)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert requests.get(f"{here.url}{PATH}", timeout=20).json() == {"files": []}


def test_a_body_that_is_not_what_was_sent_is_refused(here: World) -> None:
    answer = post(here, X_Content_SHA256="0" * 64)
    assert answer.status_code == 422
    assert SHA256 in answer.json()["error"]
    assert post(here, X_Content_SHA256=SHA256).status_code == 201


def test_a_form_and_a_coding_are_refused_with_the_way_out(here: World) -> None:
    form = requests.post(f"{here.url}{PATH}?name=a.csv", files={"file": ("a.csv", CSV)}, timeout=20)
    assert form.status_code == 400
    assert "--data-binary" in form.json()["error"]
    assert post(here, Content_Encoding="gzip").status_code == 400


def test_a_model_that_is_not_there_has_no_data(here: World) -> None:
    for method, path in (("POST", "data?name=a.csv"), ("GET", "data"), ("DELETE", f"data/{FILE}")):
        answer = requests.request(
            method, f"{here.url}/v1/models/nobody/{path}", data=CSV if method == "POST" else None,
            timeout=20,
        )  # fmt: skip
        assert answer.status_code == 404, method
    assert not (here.process.settings.uploads_dir / "nobody").exists()


@pytest.mark.parametrize("way", [FlaskClient, FrontClient], ids=["wsgi", "asgi"])
def test_other_servers_take_files_as_well(tmp_path: Path, way: type[Client]) -> None:
    with working(tmp_path, {"m": FakeVersion()}) as worker, asking(way, worker) as client:
        answer = client.post(f"{PATH}?name=train.csv", CSV)
        assert (answer.status, answer.json["file"]) == (201, FILE)
        assert (worker.settings.uploads_dir / "m" / FILE).is_file()


def test_it_may_be_switched_off(tmp_path: Path) -> None:
    with (
        working(tmp_path, {}, model_control=False) as worker,
        asking(FrontClient, worker) as client,
    ):
        assert client.post(f"{PATH}?name=train.csv", CSV).status == 403
        assert client.ask("DELETE", f"{PATH}/{FILE}").status == 403


def test_who_sent_and_who_deleted_stands_in_the_audit(here: World) -> None:
    sent = post(here, query="name=train.csv&why=new%20rows")
    post(here)  # the same again changes nothing
    requests.delete(f"{here.url}{PATH}/{FILE}?why=a%20wish", timeout=20)

    deleted, uploaded = here.process.reloader.store.audit("m")[:2]
    assert (uploaded.action, uploaded.why) == ("upload-data", "new rows")
    assert uploaded.after == {"file": FILE, "bytes": len(CSV)}
    assert uploaded.request_id == sent.headers["X-Request-ID"]
    assert (deleted.action, deleted.who, deleted.why) == ("delete-data", "anybody", "a wish")


def test_beyond_what_a_model_may_have_nothing_is_kept(tmp_path: Path) -> None:
    with working(tmp_path, {"m": FakeVersion()}, max_data_mb=2, data_total_mb=1) as worker:
        client = FlaskClient(worker)
        first = client.post(f"{PATH}?name=a.csv", CSV)
        answer = client.post(f"{PATH}?name=b.csv", CSV + b"5,6,1\n" * 180_000)
        kept = client.ask("GET", PATH).json["files"]

    assert (first.status, answer.status, len(kept)) == (201, 507, 1)
    assert "setting data_total_mb" in answer.json["error"]


def test_a_job_that_names_a_file_counts_as_its_use(here: World) -> None:
    post(here)
    kept = here.process.settings.uploads_dir / "m" / FILE
    os.utime(kept, (0, 0))

    answer = requests.post(
        f"{here.url}/v1/models/m:retrain", json={"data": {"file": FILE}}, timeout=30
    )

    assert answer.status_code in (202, 422)
    assert kept.stat().st_mtime > 0
    for job in here.process.jobs.find("m"):
        here.process.jobs.ask_cancel(job.id, 1.0)
