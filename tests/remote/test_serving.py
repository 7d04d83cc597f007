"""`kerasd serve s3://…`: samples, new versions, uploads, and what a bad network leaves of it."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from service.repository.manifest import manifest_bytes
from service.repository.remote.bucket import Bucket
from tests.remote.proxy import Proxy, Weather, bad_network
from tests.remote.s3 import BUCKET, SECRET, bucket_at, known, put_tree, running_s3
from tests.running import RunningService, running, wait_until
from tests.test_upload import is_up, whole

pytestmark = pytest.mark.slow
ADDRESS = f"s3://{BUCKET}/models"
SETTINGS = {"remote_poll_s": "1", "compiled_url": f"s3://{BUCKET}/compiled"}
SAMPLES = {"breast-cancer": 0.9, "digits": 0.9, "motions": 0.9}  # accuracy at least
ROW = {"instances": [[1.0, 2.0, 3.0, 4.0]]}
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Site:
    """`bucket` is reached in any weather."""

    service: RunningService
    bucket: Bucket
    proxy: Proxy
    folder: Path

    def put(self, key: str, content: bytes) -> None:
        file = self.folder / "sent"
        file.write_bytes(content)
        self.bucket.put(key, file)

    def answers(self, model: str, version: int | None, bias: float) -> bool:
        answer = self.service.predict(model, ROW, version)
        return answer.status_code == 200 and softest(answer.json()) == bias


def softest(answer: dict[str, Any]) -> float:
    """The bias of the first class, out of its share."""
    first, second, _ = answer["predictions"][0]
    return round(float(first / second), 3)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sample_repository: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("s3")
    with ExitStack() as stack:
        server = stack.enter_context(running_s3())
        stack.enter_context(known(server.environment()))
        bucket = bucket_at("models")
        bucket.objects()  # it keeps this way, whatever becomes of the other
        for model in SAMPLES:
            put_tree(bucket, sample_repository / model, model)
        proxy = stack.enter_context(bad_network(server.port))
        stack.enter_context(known(server.environment(proxy.url)))
        service = stack.enter_context(running(ADDRESS, folder / "state", **SETTINGS))
        service.wait_ready()
        yield Site(service, bucket, proxy, folder)


@pytest.fixture(autouse=True)
def fine(site: Site) -> Iterator[None]:
    yield
    site.proxy.change(Weather.FINE)


@pytest.mark.parametrize("model", SAMPLES)
def test_what_was_copied_into_the_bucket_is_served_and_predicts_right(
    site: Site, sample_repository: Path, model: str
) -> None:
    body = json.loads((sample_repository / model / "examples.json").read_bytes())
    answer = site.service.predict(model, body)
    assert answer.status_code == 200, answer.text
    labels = [decision["label"] for decision in answer.json()["decisions"]]
    right = sum(said == true for said, true in zip(labels, body["labels"], strict=True))
    assert right / len(labels) >= SAMPLES[model]


def test_a_version_is_served_when_its_manifest_is_there_and_not_before(site: Site) -> None:
    content = whole(site.folder, 1.0)
    site.put("late/1/claim.json", b'{"token": "somebody"}')
    site.put("late/1/model.h5", content)
    looked_at = synced_at(site.service)
    wait_until(lambda: synced_at(site.service) > looked_at + 2, "it was looked at again", 30)
    assert ("late", 1) not in site.service.states()
    site.bucket.write(
        "late/1/manifest.json", manifest_bytes({"model.h5": sha256(content).hexdigest()})
    )
    wait_until(lambda: site.answers("late", 1, 2.718), "it is served", 120)


def test_an_upload_goes_into_the_bucket_and_a_deletion_out_of_it(site: Site) -> None:
    url = f"{site.service.url}/v1/models/sent/versions"
    for version, bias in ((1, 0.5), (2, 0.25), (3, 0.125)):
        content = whole(site.folder, bias)
        answer = requests.post(f"{url}?wait=true", data=content, timeout=180)
        assert (answer.status_code, answer.json()["version"]) == (201, version), answer.text
        assert requests.post(url, data=content, timeout=180).status_code == 200
        told = site.bucket.read(f"sent/{version}/manifest.json", MEBIBYTE)
        assert json.loads(told)["files"]["model.h5"]["sha256"] == sha256(content).hexdigest()
    wait_until(lambda: site.answers("sent", None, 1.133), "the third is current", 30)
    gone = requests.delete(f"{url}/1?force=true", timeout=60)
    assert gone.status_code == 200, gone.text
    assert {key.split("/")[0] for key in site.bucket.objects("sent/1")} == set()
    wait_until(lambda: site.service.states()["sent", 1][0] == "RETIRED", "it is gone", 30)
    assert site.answers("sent", 3, 1.133)


def test_without_the_network_what_there_is_is_served_and_uploads_are_told(site: Site) -> None:
    states = site.service.states()
    site.proxy.change(Weather.REFUSE)
    wait_until(lambda: metric(site.service, "up") == 0, "it is noticed", 60)
    assert site.service.states() == states
    assert site.service.predict("motions", examples(site, "motions")).status_code == 200
    url = f"{site.service.url}/v1/models/sent/versions"
    refused = requests.post(url, data=whole(site.folder, 0.375), timeout=120)
    assert refused.status_code == 503
    assert "The remote repository can't be used" in refused.json()["error"]
    assert site.service.is_ready()
    site.proxy.change(Weather.FINE)
    wait_until(lambda: metric(site.service, "up") == 1, "it recovers", 120)
    assert site.service.states() == states


def test_a_controller_killed_while_it_fetches_goes_on(site: Site) -> None:
    had = 0
    for turn in range(3):
        site.proxy.budget = 20 * MEBIBYTE
        site.proxy.change(Weather.HANG)
        if turn == 0:
            site.put("large/1/model.h5", whole(site.folder, 0.75))
            site.put("large/1/notes.txt", bytes(range(256)) * (1024 * 512))  # 128 MiB
        before, had = had, kill_while_it_fetches(site)
        assert before < had < 128 * MEBIBYTE
        assert ("large", 1) not in site.service.states()
    site.proxy.change(Weather.FINE)
    wait_until(lambda: site.answers("large", 1, 2.117), "it is served", 180)
    size = (site.service.state_dir / "mirror/models/large/1/notes.txt").stat().st_size
    assert size == 128 * MEBIBYTE


def test_one_that_starts_without_access_waits_and_then_fetches_what_is_compiled(
    site: Site, tmp_path: Path
) -> None:
    site.proxy.change(Weather.DENY)
    state = tmp_path / "state"
    with running(ADDRESS, state, **SETTINGS) as other:
        log = other.log
        wait_until(lambda: "access is denied (InvalidAccessKeyId)" in log.read_text(), "told", 60)
        assert requests.get(f"{other.url}/readyz", timeout=10).status_code == 503
        site.proxy.change(Weather.FINE)
        other.wait_ready()
        assert other.predict("digits", examples(site, "digits")).status_code == 200
        assert "compiled version fetched" in log.read_text()
        assert '"state":"COMPILING"' not in log.read_text()
        told = log.read_text() + other.get("/metrics").text
        assert SECRET not in told
        assert log.read_text().count("the remote repository can't be used") == 1
    site.proxy.change(Weather.REFUSE)
    with running(ADDRESS, state, **SETTINGS) as again:
        again.wait_ready()
        assert again.predict("digits", examples(site, "digits")).status_code == 200


def test_it_ends_at_once_though_the_store_never_answers(site: Site, tmp_path: Path) -> None:
    site.proxy.change(Weather.STALL)
    with running(ADDRESS, tmp_path / "state", **SETTINGS) as stalled:
        begun_at = tmp_path / "state" / "mirror" / "address"
        wait_until(begun_at.exists, "it begins to mirror", 60)
        wait_until(lambda: is_up(stalled), "its workers are there", 60)
        begun = time.monotonic()
        assert stalled.stop() == 0
        assert time.monotonic() - begun < 15


def kill_while_it_fetches(site: Site) -> int:
    """How many bytes have come when the controller is killed."""
    wait_until(lambda: site.proxy.met > 0, "it fetches", 60)
    (controller,) = site.service.pids(" controller ")
    os.kill(controller, signal.SIGKILL)
    wait_until(lambda: controller not in site.service.pids(" controller "), "it ends", 20)
    parts = site.service.state_dir / "mirror" / "parts"
    return sum(path.stat().st_size for path in parts.iterdir())


def examples(site: Site, model: str) -> Any:
    return json.loads(site.bucket.read(f"{model}/examples.json", MEBIBYTE))


def metric(service: RunningService, name: str) -> float:
    lines = service.get("/metrics").text.splitlines()
    told = f'kerasd_remote_repository_{name}{{process="controller"}} '
    found = [line for line in lines if line.startswith(told)]
    return float(found[0].rsplit(" ", 1)[1]) if found else -1.0


def synced_at(service: RunningService) -> float:
    return metric(service, "last_sync_timestamp_seconds")
