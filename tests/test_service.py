"""The whole service, real: processes, files, requests, metrics, and processes killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.making import make
from tests.running import RunningService, free_port, running, wait_until

pytestmark = pytest.mark.slow

SAMPLES = {"breast-cancer": 0.95, "digits": 0.95, "motions": 0.9}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model files of both eras, good and bad, written by the Keras that the names say."""
    folder = tmp_path_factory.mktemp("files")
    make("make_models", folder)
    return folder


@pytest.fixture(scope="module")
def service(
    files: Path, sample_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """The samples, both eras as bare files, and everything bad beside them."""
    folder = tmp_path_factory.mktemp("service")
    repository = folder / "repository"
    shutil.copytree(sample_repository, repository)
    for name in ("keras2.h5", "keras3.h5", "lambda.h5", "truncated.h5"):
        shutil.copy(files / name, repository)
    (repository / "misfit" / "1").mkdir(parents=True)
    for name in ("misfit.json", "misfit.weights.h5"):
        shutil.copy(files / name, repository / "misfit" / "1")
    with running(repository, folder / "state") as started:
        started.wait_ready()
        yield started


class TestSamples:
    @pytest.mark.parametrize("model", SAMPLES)
    def test_the_examples_are_answered_with_the_true_labels(
        self, service: RunningService, sample_repository: Path, model: str
    ) -> None:
        body = (sample_repository / model / "examples.json").read_bytes()
        answer = service.predict(model, body)
        assert answer.status_code == 200
        assert answer.json()["model_version"] == "1"
        labels = [decision["label"] for decision in answer.json()["decisions"]]
        truth = json.loads(body)["labels"]
        assert len(labels) == len(truth)
        right = sum(said == true for said, true in zip(labels, truth, strict=True))
        assert right / len(truth) >= SAMPLES[model]

    def test_a_sequence_of_any_length_is_answered(self, service: RunningService) -> None:
        for steps in (1, 7, 90):
            answer = service.predict("motions", {"instances": [[[0.0] * 6] * steps]})
            assert len(answer.json()["predictions"][0]) == 4

    def test_tensorflow_is_not_loaded_for_compiled_models(self, service: RunningService) -> None:
        assert service.pids("tensorflow_server") == []
        for pid in (*service.workers(), *service.pids(" controller ")):
            assert "tensorflow" not in Path(f"/proc/{pid}/maps").read_text()

    @pytest.mark.alone
    def test_the_whole_service_stays_small(
        self, sample_repository: Path, service: RunningService, tmp_path: Path
    ) -> None:
        state = tmp_path / "state"
        shutil.copytree(service.state_dir / "compiled", state / "compiled")
        with running(sample_repository, state) as small:
            small.wait_ready()
            for model in SAMPLES:
                body = (sample_repository / model / "examples.json").read_bytes()
                assert all(small.predict(model, body).status_code == 200 for _ in range(20))
            resident = sum(_resident_kb(pid) for pid in small.pids(""))
        assert resident < 440 * 1024


class TestEras:
    @pytest.mark.parametrize("era", ["keras2", "keras3"])
    def test_a_bare_file_answers_as_keras_does(
        self, service: RunningService, files: Path, era: str
    ) -> None:
        with np.load(files / f"{era}.npz") as stored:
            rows, expected = stored["rows"], stored["answers"]
        answer = service.predict(era, {"instances": rows.tolist()}).json()
        np.testing.assert_allclose(answer["predictions"], expected, atol=1e-5)
        chosen = [decision["class_index"] for decision in answer["decisions"]]
        assert chosen == expected.argmax(axis=1).tolist()

    @pytest.mark.parametrize("era", ["keras2", "keras3"])
    def test_serve_takes_a_single_file(
        self, service: RunningService, files: Path, tmp_path: Path, era: str
    ) -> None:
        state = tmp_path / "state"
        shutil.copytree(service.state_dir / "compiled", state / "compiled")
        with running(files / f"{era}.h5", state) as single, np.load(files / f"{era}.npz") as stored:
            single.wait_ready()
            answer = single.predict(era, {"instances": stored["rows"].tolist()}, version=1)
            np.testing.assert_allclose(answer.json()["predictions"], stored["answers"], atol=1e-5)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("model", "words"),
        [
            ("truncated", "damaged or incomplete"),
            ("misfit", "weights don't fit"),
            ("lambda", "Lambda carries Python bytecode"),
        ],
    )
    def test_each_fails_alone_with_its_reason(
        self, service: RunningService, model: str, words: str
    ) -> None:
        state, reason = service.states()[model, 1]
        assert state == "FAILED"
        assert words in reason
        refused = service.predict(model, {"instances": [[1.0]]})
        assert refused.status_code == 503
        assert words in refused.json()["error"]

    def test_the_lambda_has_not_run(self, service: RunningService, files: Path) -> None:
        assert service.states()["lambda", 1][0] == "FAILED"
        assert not (files / "lambda-has-run").exists()


class TestMetrics:
    def test_counts_are_right_over_all_workers_and_pass_promtool(
        self, service: RunningService
    ) -> None:
        before = _counted(service)
        body = {"instances": [[0.5] * 12] * 3}
        for _ in range(40):  # a new connection each: both workers get some
            assert service.predict("keras3", body).status_code == 200
        wait_until(lambda: _counted(service) - before == 120, "120 rows counted")
        exposition = service.get("/metrics").text
        assert 'kerasd_model_ready{model="keras3",version="1"} 1.0' in exposition
        assert 'kerasd_model_ready{model="lambda",version="1"} 0.0' in exposition
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=exposition, text=True, capture_output=True
        )
        assert (checked.returncode, checked.stderr) == (0, "")

    def test_a_killed_worker_takes_no_counts_with_it(self, service: RunningService) -> None:
        before = _counted(service)
        os.kill(service.workers()[0], signal.SIGKILL)
        wait_until(lambda: len(service.workers()) == 2, "two workers")
        assert _counted(service) == before


class TestConnections:
    def test_each_worker_has_as_many_a_new_one_included(self, service: RunningService) -> None:
        killed = service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(set(service.workers()) - {killed}) == 2, "a new worker")
        wait_until(
            lambda: sorted(Counter(_kept_connections(service, 10)).values()) == [5, 5],
            "each has as many",
        )


class TestKilled:
    def test_a_worker_killed_under_load_costs_no_wrong_answer(
        self, service: RunningService, files: Path
    ) -> None:
        with np.load(files / "keras3.npz") as stored:
            rows, expected = stored["rows"].tolist(), stored["answers"]
        with Load(service, "keras3", rows, expected) as load:
            for _ in range(3):
                wait_until(lambda: len(service.workers()) == 2, "two workers")
                os.kill(service.workers()[-1], signal.SIGKILL)
                load.wait_for(50)
        assert load.wrong == []
        assert load.right > 150

    def test_the_controller_comes_back_and_goes_on(
        self, service: RunningService, files: Path
    ) -> None:
        killed = service.pids(" controller ")
        os.kill(killed[0], signal.SIGKILL)
        wait_until(lambda: service.pids(" controller ") not in ([], killed), "a new controller")
        with np.load(files / "keras3.npz") as stored:
            answer = service.predict("keras3", {"instances": stored["rows"].tolist()})
            np.testing.assert_allclose(answer.json()["predictions"], stored["answers"], atol=1e-5)
        assert service.states()["lambda", 1][0] in ("COMPILING", "FAILED", "DISCOVERED")

    def test_a_compiling_child_killed_is_started_again(
        self, service: RunningService, files: Path, tmp_path: Path
    ) -> None:
        repository = tmp_path / "repository"
        repository.mkdir()
        shutil.copy(files / "keras3.h5", repository / "again.h5")
        with running(repository, tmp_path / "state") as fresh:
            wait_until(lambda: bool(fresh.pids("loading.child")), "a compiling child")
            os.kill(fresh.pids("loading.child")[0], signal.SIGKILL)
            fresh.wait_ready()
            wait_until(lambda: fresh.states()["again", 1][0] == "READY", "READY after a retry")
            assert fresh.predict("again", {"instances": [[0.0] * 12]}).status_code == 200
            assert fresh.stop() == 0


class TestVersions:
    def test_a_higher_version_takes_over_without_a_failed_request(
        self, service: RunningService, files: Path, tmp_path: Path
    ) -> None:
        repository, state = tmp_path / "repository", tmp_path / "state"
        _publish(files / "keras3.h5", repository / "m" / "1")
        shutil.copytree(service.state_dir / "compiled", state / "compiled")
        with np.load(files / "keras3.npz") as stored:
            rows, expected = stored["rows"].tolist(), stored["answers"]
        with running(repository, state) as live:
            live.wait_ready()
            with Load(live, "m", rows, expected) as load:
                _publish(files / "keras3.h5", repository / "m" / "2")
                wait_until(lambda: "2" in load.versions, "version 2 answers")
                load.wait_for(50)
                shutil.rmtree(repository / "m" / "2")
                wait_until(lambda: live.states()["m", 2][0] == "RETIRED", "version 2 retired")
                load.wait_for(100)
                assert load.last_version == "1"
            assert load.wrong == []
            assert load.failed == []
            assert live.predict("m", {"instances": rows}, version=2).status_code == 404


class TestTensorFlowRuntime:
    def test_what_cannot_be_compiled_is_served_and_survives_its_process(
        self, files: Path, tmp_path: Path
    ) -> None:
        with running(files / "text.keras", tmp_path / "state") as service:
            service.wait_ready()
            body = {"instances": [["good film"], ["bad"]]}
            first = service.predict("text", body).json()["predictions"]
            assert np.shape(first) == (2, 2)
            os.kill(service.pids("tensorflow_server")[0], signal.SIGKILL)
            lost = service.predict("text", body)
            assert lost.status_code in (200, 503)
            wait_until(
                lambda: service.predict("text", body).status_code == 200, "the runtime is back"
            )
            again = service.predict("text", body).json()["predictions"]
            assert np.allclose(again, first, atol=1e-6)
            wrong = service.predict("text", {"instances": [[1]]})
            assert wrong.status_code == 400
            assert "instances[0][0]" in wrong.json()["error"]


class TestOtherServers:
    def test_the_flask_application_runs_under_gthread(
        self, service: RunningService, sample_repository: Path
    ) -> None:
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "2", "-b",
                   f"127.0.0.1:{port}", "--no-control-socket", "service.web.wsgi:app"]  # fmt: skip
        environment = {
            **os.environ,
            "KERASD_STATE_DIR": str(service.state_dir),
            "KERASD_REPOSITORY": str(service.state_dir.parent / "repository"),
            "KERASD_ACCESS": "open",
        }
        gunicorn = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: _answers(f"{url}/readyz"), "the application is ready")
            body = (sample_repository / "digits" / "examples.json").read_bytes()
            answer = requests.post(f"{url}/v1/models/digits:predict", data=body, timeout=30)
            told = service.predict("digits", body).json()
            del told["prediction_id"]  # another one for each answer
            assert told.items() <= answer.json().items()
        finally:
            gunicorn.terminate()
            assert gunicorn.wait(30) == 0


class Load:
    """Requests in a thread for as long as the block lasts; every answer is checked."""

    def __init__(
        self, service: RunningService, model: str, rows: list[object], expected: np.ndarray
    ) -> None:
        self._service, self._model, self._rows = service, model, rows
        self._expected = expected
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.right = 0
        self.wrong: list[object] = []
        self.failed: list[object] = []
        self.versions: set[str] = set()
        self.last_version = ""

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, more: int) -> None:
        """Wait until so many more right answers have come."""
        goal = self.right + more
        wait_until(lambda: self.right >= goal, f"{more} more right answers")

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                answer = self._service.predict(self._model, {"instances": self._rows})
            except requests.ConnectionError as error:  # its worker was killed
                self.failed.append(error)
                continue
            if answer.status_code != 200:
                self.failed.append(answer.text)
            elif not np.allclose(answer.json()["predictions"], self._expected, atol=1e-5):
                self.wrong.append(answer.json())
            else:
                self.right += 1
                self.last_version = answer.json()["model_version"]
                self.versions.add(self.last_version)


def _publish(file: Path, version: Path) -> None:
    aside = version.with_name(f".{version.name}")
    aside.mkdir(parents=True)
    shutil.copy(file, aside / "model.h5")
    aside.rename(version)


def _kept_connections(service: RunningService, many: int) -> list[str]:
    """The worker of each of so many connections that are open at the same time."""
    with ExitStack() as stack:
        found = []
        for _ in range(many):
            session = stack.enter_context(requests.Session())
            answer = session.get(f"{service.url}/livez", timeout=10)
            found.append(answer.headers["x-request-id"].partition("-")[0])
    return found


def _counted(service: RunningService) -> int:
    lines = service.get("/metrics").text.splitlines()
    start = "kerasd_predictions_total{class="
    values = [line.split()[-1] for line in lines if line.startswith(start) and '"keras3"' in line]
    return int(sum(float(value) for value in values))


def _resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
