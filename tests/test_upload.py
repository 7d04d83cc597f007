"""Uploads into the real service: from the first byte to the answer, and what kills leave."""

import hashlib
import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
import requests

from service.repository.layout import scan
from service.repository.manifest import check_published, read_manifest
from tests.lacking import need_root
from tests.loading.handmade import tiny, write_weights, write_whole
from tests.running import RunningService, running, wait_until

pytestmark = pytest.mark.slow

MEBIBYTE = 1024**2
ROW = {"instances": [[1.0, 2.0, 3.0, 4.0]]}


def whole(folder: Path, bias: float) -> bytes:
    """A model file whose answers differ from others'."""
    path = write_whole(folder / f"bias-{bias}.h5")
    with h5py.File(path, "a") as file:
        file["model_weights/dense/dense/kernel:0"][...] = 0
        file["model_weights/dense/dense/bias:0"][...] = np.array([bias, 0, 0])
    return path.read_bytes()


def upload(service: RunningService, content: bytes, path: str = "m/versions") -> requests.Response:
    return requests.post(f"{service.url}/v1/models/{path}", data=content, timeout=120)


def hidden(repository: Path) -> list[str]:
    return [path.name for path in repository.glob(".*")]


def incoming(service: RunningService) -> list[Path]:
    folder = service.state_dir / "incoming"
    return list(folder.iterdir()) if folder.is_dir() else []


@contextmanager
def serving(folder: Path, repository: Path | None = None) -> Iterator[RunningService]:
    """A service over an empty repository."""
    repository = repository or folder / "repository"
    repository.mkdir(exist_ok=True)
    with running(repository, folder / "state") as started:
        wait_until(lambda: is_up(started), f"up; see {started.log}")
        yield started


def is_up(service: RunningService) -> bool:
    with suppress(requests.ConnectionError, requests.Timeout):
        return service.get("/v1/audit").status_code == 200
    return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("upload")


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[RunningService]:
    with serving(place) as started:
        yield started


class TestTheWholeWay:
    def test_from_a_file_to_an_answer_and_to_the_next_version(
        self, service: RunningService, place: Path
    ) -> None:
        first = upload(service, whole(place, 5.0), "way/versions?wait=true&why=first")
        assert (first.status_code, first.json()["state"]) == (201, "READY"), first.text
        wait_until(lambda: service.predict("way", ROW).status_code == 200, "it answers")
        answer = service.predict("way", ROW).json()
        assert (answer["model_version"], answer["predictions"][0][0] > 0.9) == ("1", True)
        second = upload(service, whole(place, -5.0), "way/versions?wait=true")
        assert second.json()["version"] == 2
        wait_until(lambda: service.predict("way", ROW).json()["model_version"] == "2", "swapped")
        assert service.predict("way", ROW).json()["predictions"][0][0] < 0.1
        told = [change["action"] for change in service.get("/v1/audit?model=way").json()["changes"]]
        assert told.count("upload") == 2

    def test_a_pair_in_a_form(self, service: RunningService, place: Path) -> None:
        files: dict[str, tuple[str, str | bytes]] = {
            "architecture": ("net.json", json.dumps(tiny())),
            "weights": ("net.weights.h5", write_weights(place / "w.h5").read_bytes()),
            "config": ("model.yaml", "labels: [a, b, c]\n"),
        }
        url = f"{service.url}/v1/models/pair/versions?wait=true"
        answer = requests.post(url, files=files, data={"why": "a pair"}, timeout=120)
        assert answer.status_code == 201, answer.text
        wait_until(lambda: service.predict("pair", ROW).status_code == 200, "it answers")
        assert service.predict("pair", ROW).json()["decisions"][0]["label"] in ("a", "b", "c")

    def test_a_version_that_is_not_needed_any_more(
        self, service: RunningService, place: Path
    ) -> None:
        for bias in (1.0, 2.0, 3.0):
            upload(service, whole(place, bias), "old/versions?wait=true")
        wait_until(
            lambda: service.get("/v1/models/old").json()["route"]["current"] == 3, "3 is current"
        )
        url = f"{service.url}/v1/models/old/versions"
        assert requests.delete(f"{url}/3", timeout=60).status_code == 409
        assert requests.delete(f"{url}/1", timeout=60).status_code == 200
        assert not (place / "repository/old/1").exists()
        again = upload(service, whole(place, 1.0), "old/versions")
        assert again.json()["version"] == 4

    def test_a_hostile_file_is_refused_and_nothing_is_there(
        self, service: RunningService, place: Path
    ) -> None:
        path = write_whole(place / "evil.h5")
        with h5py.File(path, "a") as file:
            del file["model_weights/dense/dense/bias:0"]
            file["model_weights/dense/dense/bias:0"] = h5py.ExternalLink("/etc/passwd", "/x")
        answer = upload(service, path.read_bytes(), "evil/versions")
        assert (answer.status_code, "ExternalLink" in answer.json()["error"]) == (422, True)
        assert not (place / "repository" / "evil").exists()
        assert hidden(place / "repository") == []
        wait_until(lambda: incoming(service) == [], "nothing is left of it", 10)

    @pytest.mark.alone
    def test_memory_does_not_follow_the_size_of_a_body(self, service: RunningService) -> None:
        piece = os.urandom(MEBIBYTE)

        def body() -> Iterator[bytes]:
            yield b"\x89HDF\r\n\x1a\n".ljust(MEBIBYTE, b"x")
            for _ in range(1023):
                yield piece

        before = {pid: peak_mib(pid) for pid in service.workers()}
        url = f"{service.url}/v1/models/large/versions"
        assert requests.post(url, data=body(), timeout=120).status_code == 422
        grown = {pid: peak_mib(pid) - before[pid] for pid in before}
        assert max(grown.values()) < 32, grown
        wait_until(lambda: incoming(service) == [], "nothing is left of it", 10)


class TestKilled:
    def test_a_worker_that_is_killed_leaves_nothing_half(
        self, service: RunningService, place: Path
    ) -> None:
        def body() -> Iterator[bytes]:
            yield b"\x89HDF\r\n\x1a\n".ljust(MEBIBYTE, b"x")
            wait_until(lambda: len(incoming(service)) == 1, "it has begun", 20)
            for pid in service.workers():
                os.kill(pid, signal.SIGKILL)
            for _ in range(64):
                yield b"y" * MEBIBYTE

        with pytest.raises(requests.RequestException):
            requests.post(f"{service.url}/v1/models/dead/versions", data=body(), timeout=60)
        assert not (place / "repository" / "dead").exists()
        wait_until(lambda: is_up(service), "up again")
        url = f"{service.url}/v1/models/dead/versions"
        assert requests.post(url, data=b"no model", timeout=60).status_code == 422
        wait_until(lambda: incoming(service) == [], "the next upload has removed it", 30)

    def test_kills_at_random_moments_lose_nothing_that_was_answered(
        self, service: RunningService, place: Path
    ) -> None:
        contents = [whole(place, 10 + number / 100) for number in range(24)]
        is_over = threading.Event()
        killer = threading.Thread(target=kill_workers, args=(service, is_over))
        killer.start()
        try:
            with ThreadPoolExecutor(3) as threads:
                answers = list(threads.map(lambda one: send_until_told(service, one), contents))
        finally:
            is_over.set()
            killer.join()
        wait_until(lambda: is_up(service), "up again")
        folder = place / "repository" / "killed"
        for content, version in zip(contents, answers, strict=True):
            assert (folder / str(version) / "model.h5").read_bytes() == content
        for found in scan(place / "repository"):
            if found.model == "killed" and found.home is not None:
                assert read_manifest(found.home) is not None
                check_published(found.home, {file.name: digest(file.path) for file in found.files})
        assert len(set(answers)) == len(contents)


class TestReadOnly:
    def test_everything_but_changes_of_files_works(self, place: Path, tmp_path: Path) -> None:
        need_root("mounting a file system")
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
        subprocess.run(mount, check=True)
        try:
            (disk / "m").mkdir()
            (disk / "m" / "1").mkdir()
            (disk / "m" / "1" / "model.h5").write_bytes(whole(place, 5.0))
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            with serving(tmp_path, disk) as service:
                service.wait_ready()
                answer = upload(service, whole(place, 1.0))
                assert answer.status_code == 409
                assert "The repository can't be written" in answer.json()["error"]
                url = f"{service.url}/v1/models/m"
                assert requests.delete(f"{url}/versions/1", timeout=60).status_code == 409
                assert requests.post(f"{url}:reload", timeout=60).status_code == 200
                assert service.predict("m", ROW).status_code == 200
                assert incoming(service) == []
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    def test_a_full_repository_is_told_and_serves_on(self, place: Path, tmp_path: Path) -> None:
        need_root("mounting a file system")
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
        subprocess.run(mount, check=True)
        try:
            (disk / "m").mkdir()
            (disk / "m" / "1").mkdir()
            (disk / "m" / "1" / "model.h5").write_bytes(whole(place, 5.0))
            with serving(tmp_path, disk) as service:
                service.wait_ready()
                large = padded(place, 5 * MEBIBYTE)
                answer = upload(service, large)
                assert (answer.status_code, "No space left" in answer.text) == (507, True)
                assert (hidden(disk), os.listdir(disk / "m")) == ([], ["1"])
                assert service.predict("m", ROW).status_code == 200
                assert upload(service, whole(place, 1.0)).status_code == 202
        finally:
            subprocess.run(["umount", str(disk)], check=True)


def padded(folder: Path, size: int) -> bytes:
    """A good model file of about this size: its weights are large."""
    config = tiny()
    config["config"]["layers"][1]["config"]["units"] = units = size // 20
    path = write_whole(folder / "large.h5", config)
    with h5py.File(path, "a") as file:
        group = file["model_weights/dense/dense"]
        for name, shape in (("kernel:0", (4, units)), ("bias:0", (units,))):
            del group[name]
            group[name] = np.ones(shape, "float32")
    return path.read_bytes()


def kill_workers(service: RunningService, is_over: threading.Event) -> None:
    """Kill one after the other, at moments that the seed of the test decides."""
    moments = random.Random(7)
    while not is_over.wait(moments.uniform(0.3, 2.5)):
        workers = service.workers()
        if len(workers) > 1:  # the other one goes on
            with suppress(ProcessLookupError):
                os.kill(moments.choice(workers), signal.SIGKILL)


def send_until_told(service: RunningService, content: bytes) -> int:
    """The version of this file, however often its upload is cut off."""
    told: list[int] = []

    def is_told() -> bool:
        with suppress(requests.RequestException):
            answer = upload(service, content, "killed/versions")
            if answer.status_code in (200, 202):
                told.append(answer.json()["version"])
        return bool(told)

    wait_until(is_told, "the upload was answered", 120)
    return told[0]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def peak_mib(pid: int) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
