"""One controller and two web processes that share a database and a bucket, and no folder."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.remote.s3 import BUCKET, bucket_at, known, put_tree, running_s3
from tests.running import RunningService, running, wait_until
from tests.test_upload import whole

pytestmark = pytest.mark.slow
ADDRESS = f"s3://{BUCKET}/models"


@dataclass(frozen=True, slots=True)
class Site:
    """`webs` have state directories of their own."""

    webs: tuple[RunningService, RunningService]
    folder: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sample_repository: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("halves")
    settings = {
        "database_url": f"sqlite:///{folder}/shared.sqlite",
        "compiled_url": f"s3://{BUCKET}/compiled",
        "remote_poll_s": "1",
    }
    with ExitStack() as stack:
        server = stack.enter_context(running_s3())
        stack.enter_context(known(server.environment()))
        put_tree(bucket_at("models"), sample_repository / "digits", "digits")

        def begin(half: str, name: str) -> RunningService:
            return stack.enter_context(running(ADDRESS, folder / name, half=half, **settings))

        begin("controller", "controller")
        webs = (begin("web", "one"), begin("web", "other"))
        for web in webs:
            web.wait_ready()
        yield Site(webs, folder)


def test_both_answer_with_what_they_have_fetched(site: Site, sample_repository: Path) -> None:
    body = json.loads((sample_repository / "digits" / "examples.json").read_bytes())
    answers = [web.predict("digits", body).json()["predictions"] for web in site.webs]
    assert answers[0] == answers[1]
    for name in ("one", "other"):
        (compiled,) = (site.folder / name / "compiled").glob("[0-9a-f]*")
        assert (compiled / "compiled.json").is_file()


def test_each_worker_has_loaded_what_was_fetched(site: Site) -> None:
    log = (site.folder / "one.log").read_text()
    # By two workers; once more where model.yaml was seen a moment after its version.
    assert log.count('"event":"version loaded"') >= 2
    assert "Traceback" not in log


def test_what_is_told_of_a_model_is_known_without_its_files(site: Site) -> None:
    notes = [site.folder / name / "mirror" / "models" / "digits" for name in ("one", "other")]
    wait_until(lambda: all((one / "examples.json").is_file() for one in notes), "notes come", 60)
    assert all((one / "model.yaml").is_file() for one in notes)
    assert not any(list(one.rglob("*.h5")) for one in notes)


def test_each_tells_how_the_controller_mirrors_and_how_itself(site: Site) -> None:
    wait_until(
        lambda: all(mirrors(web) == {"controller", "web"} for web in site.webs), "both mirror", 60
    )


def mirrors(web: RunningService) -> set[str]:
    """Whose last look was answered, as one web process tells it."""
    return set(re.findall(r'_up{process="(\w+)"} 1', web.get("/metrics").text))


def test_an_upload_through_one_is_answered_by_both(site: Site) -> None:
    one, other = site.webs
    url = f"{one.url}/v1/models/sent/versions"
    content = whole(site.folder, 0.5)
    answer = requests.post(f"{url}?wait=true", data=content, timeout=180)
    assert (answer.status_code, answer.json()["version"]) == (201, 1), answer.text
    row = {"instances": [[1.0, 2.0, 3.0, 4.0]]}

    def answers(web: RunningService) -> bool:
        return web.predict("sent", row).status_code == 200

    wait_until(lambda: answers(one) and answers(other), "both have it", 60)
    again = requests.post(f"{other.url}/v1/models/sent/versions", data=content, timeout=60)
    assert (again.status_code, again.json()["version"]) == (200, 1)


def test_a_web_process_that_comes_later_answers_without_the_controller_doing_anything(
    site: Site, sample_repository: Path
) -> None:
    settings = {
        "database_url": f"sqlite:///{site.folder}/shared.sqlite",
        "compiled_url": f"s3://{BUCKET}/compiled",
    }
    body = json.loads((sample_repository / "digits" / "examples.json").read_bytes())
    with running(ADDRESS, site.folder / "late", half="web", **settings) as late:
        late.wait_ready()
        expected = site.webs[0].predict("digits", body).json()["predictions"]
        assert late.predict("digits", body).json()["predictions"] == expected


def test_what_nothing_names_goes_from_the_folder_of_a_web_process(site: Site) -> None:
    settings = {
        "database_url": f"sqlite:///{site.folder}/shared.sqlite",
        "compiled_url": f"s3://{BUCKET}/compiled",
    }
    state = site.folder / "tidy"
    with running(ADDRESS, state, half="web", **settings) as tidy:
        tidy.wait_ready()
        used = fetched(state)
        url = f"{tidy.url}/v1/models/passing/versions"
        sent = requests.post(f"{url}?wait=true", data=whole(site.folder, 0.75), timeout=180)
        assert sent.status_code == 201, sent.text
        bucket = bucket_at("models")
        bucket.remove(bucket.objects("passing"))
        wait_until(lambda: tidy.states()["passing", 1][0] == "RETIRED", "it is gone", 60)
    assert fetched(state) > used
    for key in fetched(state):  # as if all of it had been named last long ago
        os.utime(state / "compiled" / key / ".fetched", (0, 0))
    with running(ADDRESS, state, half="web", **settings) as tidy:
        tidy.wait_ready()
        wait_until(lambda: fetched(state) == used, "only what is served is left", 60)
        log = tidy.log.read_text()
        assert log.count("fetched version removed, nothing names it") >= 1
        assert "Traceback" not in log


def fetched(state: Path) -> set[str]:
    return {path.name for path in (state / "compiled").glob("[0-9a-f]*")}
