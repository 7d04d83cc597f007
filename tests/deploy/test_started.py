"""The manifests' pods really start: settings fit, probes tell, keys hold, the end is orderly."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.deploy.started import StartedPod, mount_secret
from tests.postgres import running_postgres
from tests.remote.s3 import BUCKET, bucket_at, known, put_tree, running_s3
from tests.running import wait_until

MODEL = "digits"
FIRST_MODEL = "first"
ROWS = ROOT / "model_repo" / MODEL / "examples.json"
ROLES = ("predict", "metrics", "admin")
# The page's first model, published by one key and asked for with another.
FIRST = [
    shlex.split(line)
    for line in (ROOT / "docs" / "deploy-kubernetes.md").read_text().splitlines()
    if line.startswith(("kerasd models upload", "kerasd predict"))
]

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Place:
    """What pods find mounted, and the keys that are good there."""

    folder: Path
    keys: dict[str, str]

    def places(self, pod: str) -> dict[str, str]:
        """Each mounted path and each address, and what stands for it."""
        return {
            "/models": f"{self.folder}/models",
            "/var/lib/kerasd": f"{self.folder}/{pod}",
            "/var/lib/kerasd-shared": f"{self.folder}/shared",
            "/etc/kerasd/keys": f"{self.folder}/keys",
            "/etc/kerasd/secrets": f"{self.folder}/secrets",
            "/tmp": f"{self.folder}/{pod}-tmp",
            "s3://models": f"s3://{BUCKET}",
        }

    def start(self, values: str, name: str, pod: str, **more: str) -> StartedPod:
        return StartedPod(values, name, self.places(pod), self.folder / f"{pod}.log", **more)


def make_place(folder: Path, secrets: dict[str, str]) -> Place:
    folder.mkdir()
    shutil.copytree(ROOT / "model_repo" / MODEL, folder / "models" / MODEL)
    made = folder / "made.json"
    keys = {
        role: subprocess.run(
            [sys.executable, "-m", "service.cli.main", "keys", "add", role, "--roles", role,
             "--file", made],
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for role in ROLES
    }  # fmt: skip
    mount_secret(folder / "keys", {"keys.json": made.read_text()})
    if secrets:
        mount_secret(folder / "secrets", secrets)
    return Place(folder, keys)


def predict(pod: StartedPod, key: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    url = pod.url(f"/v1/models/{MODEL}:predict")
    return requests.post(url, data=ROWS.read_bytes(), headers=headers, timeout=60)


def ask_as_told(pod: StartedPod, command: list[str], key: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the page against the pod, with the sample as a new model."""
    _, *words, url = command
    assert url == "http://localhost:8080"
    words = [FIRST_MODEL if word == MODEL else word for word in words]
    environment = {**os.environ, "KERASD_API_KEY": key}
    return subprocess.run(
        [sys.executable, "-m", "service.cli.main", *words, pod.url("")],
        env=environment, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip


def ends_orderly(pod: StartedPod, key: str) -> None:
    """Told to end, it is taken out of the service first, answers on, and is gone in time."""
    killed_at = pod.tell_to_end()
    while pod.asks("readiness") == 200:
        assert time.monotonic() < killed_at
        time.sleep(0.05)
    assert pod.asks("readiness") == 503
    assert pod.asks("liveness") == 200
    assert predict(pod, key).status_code == 200
    assert pod.process.wait(killed_at - time.monotonic()) == 0, pod.log()


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, StartedPod]]:
    place = make_place(tmp_path_factory.mktemp("single") / "place", {})
    pod = place.start("single", "Deployment/kerasd", "state")
    try:
        yield place, pod
    finally:
        pod.kill()


def test_the_single_pod_serves_who_has_a_key_and_ends_in_time(
    single: tuple[Place, StartedPod],
) -> None:
    place, pod = single

    pod.wait_ready()

    assert predict(pod, place.keys["predict"]).status_code == 200
    assert predict(pod, "kerasd_nobody").status_code == 401
    bearer = {"Authorization": f"Bearer {place.keys['metrics']}"}
    assert "kerasd_model_ready" in requests.get(pod.url("/metrics"), headers=bearer).text
    for command, role in zip(FIRST, ("admin", "predict"), strict=True):
        ran = ask_as_told(pod, command, place.keys[role])
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.endswith("version 1\n")
    ends_orderly(pod, place.keys["predict"])


def test_replicas_start_on_a_database_that_was_migrated(
    single: tuple[Place, StartedPod], tmp_path: Path
) -> None:
    with running_postgres() as server, ExitStack() as stack:
        secrets = {"kerasd_database_url": server.empty() + "\n", "kerasd_webhook": "http://127.1/"}
        place = make_place(tmp_path / "place", secrets)
        compiled = single[0].folder / "state" / "compiled"
        shutil.copytree(compiled, place.folder / "shared" / "compiled")

        migration = place.start("replicas", "Job/kerasd-migrate", "migration")
        assert migration.wait() == 0, migration.log()
        started = [
            place.start("replicas", f"Deployment/kerasd-{kind}", f"{kind}{number}")
            for kind, number in (("web", 1), ("web", 2), ("controller", 1))
        ]
        for pod in started:
            stack.callback(pod.kill)
        one, other, controller = started
        one.wait_ready()
        other.wait_ready()

        assert "made anew" in migration.log()
        assert predict(one, place.keys["predict"]).status_code == 200
        ends_orderly(one, place.keys["predict"])
        assert predict(other, place.keys["predict"]).status_code == 200
        wait_until(lambda: controller.runs("readiness"), "its first turn")
        assert controller.runs("liveness")
        controller.tell_to_end()
        assert controller.process.wait(controller.grace_s) == 0, controller.log()


def test_pods_without_a_volume_serve_what_lies_in_a_bucket(tmp_path: Path) -> None:
    with running_postgres() as server, running_s3() as s3, ExitStack() as stack:
        secrets = {"kerasd_database_url": server.migrated()}
        place = make_place(tmp_path / "place", secrets)
        environment = s3.environment()
        with known(environment):
            put_tree(bucket_at("production"), place.folder / "models" / MODEL, MODEL)

        for kind in ("controller", "web"):
            pod = place.start("s3", f"Deployment/kerasd-{kind}", kind, **environment)
            stack.callback(pod.kill)
        pod.wait_ready()

        assert predict(pod, place.keys["predict"]).status_code == 200
        with known(environment):
            assert bucket_at("compiled").objects()
        assert not (place.folder / "shared").exists()
