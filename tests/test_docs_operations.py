"""`docs/operations.md` done against real services: what was backed up is there after a restore."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from service.base.database import HEAD
from tests.certificates import make_certificate
from tests.conftest import ROOT
from tests.nginx import running_documented
from tests.postgres import Postgres, running_postgres
from tests.running import RunningService, free_port, running

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "operations.md").read_text()
BLOCK = re.compile(r"^```(sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(sample_repository: Path, tmp_path: Path) -> Path:
    """Where the page's commands find what they name; the state directory is the default one."""
    shutil.copytree(sample_repository / "digits", tmp_path / "model_repo" / "digits")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def commands(section: str, language: str = "sh") -> list[str]:
    """The lines of a section's blocks."""
    (text,) = re.findall(rf"^##+ {section}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    found = [block for kind, block in BLOCK.findall(text) if kind == language]
    assert found, section
    return [line for block in found for line in block.splitlines()]


def run(place: Path, line: str, code: int = 0, url: str = "") -> str:
    """What a command prints; nothing but the page's own words tell it where things are."""
    environment = {**os.environ, **({"KERASD_DATABASE_URL": url} if url else {})}
    ran = subprocess.run(
        line, shell=True, cwd=place, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == code, f"{line}\n{ran.stdout}{ran.stderr}"
    return ran.stdout + ran.stderr


def start(place: Path, **settings: str) -> Any:
    """A service; what one test has had compiled, the next one finds."""
    shared = {"compiled_dir": str(place.parent / "compiled")}
    return running(place / "model_repo", place / ".kerasd", **shared | settings)


def predict(service: RunningService, key: str = "") -> str:
    """The receipt of one answer."""
    rows = orjson.loads((ROOT / "model_repo/digits/examples.json").read_bytes())["instances"][:1]
    headers = {"X-API-Key": key} if key else {}
    url = f"{service.url}/v1/models/digits:predict"
    answer = requests.post(url, json={"instances": rows}, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.headers["X-Prediction-Id"]


def label(service: RunningService, receipts: list[str], key: str = "") -> dict[str, int]:
    """What became of labels, by outcome."""
    body = {"feedback": [{"prediction_id": one, "label": 3} for one in receipts]}
    headers = {"X-API-Key": key} if key else {}
    url = f"{service.url}/v1/models/digits:feedback"
    answer = requests.post(url, json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    outcomes: dict[str, int] = answer.json()["outcomes"]
    return outcomes


@contextmanager
def asked_without_pause(service: RunningService) -> Iterator[list[str]]:
    """Somebody who predicts and labels all the time; what was refused."""
    refused, is_over = list[str](), threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            outcomes = label(service, [predict(service)])
            if outcomes != {"accepted": 1}:
                refused.append(str(outcomes))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield refused
    finally:
        is_over.set()
        thread.join()


def test_what_was_backed_up_under_load_is_there_after_all_else_is_lost(place: Path) -> None:
    key = run(place, ".venv/bin/kerasd keys add ops --roles admin 2>/dev/null").strip()
    compiled = {"compiled_dir": str(place / ".kerasd" / "compiled")}  # lost with all else
    with start(place, access="open", **compiled) as service:
        service.wait_ready()
        receipts = [predict(service) for _ in range(10)]
        assert label(service, receipts[:5]) == {"accepted": 5}
        with asked_without_pause(service) as refused:
            for line in commands("Back up"):
                run(place, line)
        late = predict(service)
    assert refused == []
    shutil.rmtree(place / ".kerasd")
    shutil.rmtree(place / "model_repo")

    for line in (*commands("Try the backup"), *commands("Restore")):
        told = run(place, line)

    assert f"the same path: {place}/model_repo" in told
    with start(place, access="keys", **compiled) as service:
        service.wait_ready()
        stranger = requests.get(f"{service.url}/v1/models", timeout=30)
        assert stranger.status_code == 401
        predict(service, key)
        assert label(service, [*receipts[5:], late], key) == {"accepted": 6}
        assert label(service, receipts, key) == {"duplicate": 10}
        headers = {"X-API-Key": key}
        url = f"{service.url}/v1/models/digits/quality?window=all"
        (version,) = requests.get(url, headers=headers, timeout=30).json()["versions"]
        assert version["scores"]["rows"] >= 11  # and those that came while it was backed up


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def test_a_postgresql_comes_back_by_its_own_tools(place: Path, postgres: Postgres) -> None:
    before, after = postgres.empty(), postgres.empty()
    with start(place, database_url=before) as service:
        service.wait_ready()
        receipts = [predict(service) for _ in range(4)]
        assert label(service, receipts[:2]) == {"accepted": 2}
        (place / "backups").mkdir()
        told = [run(place, line, url=before) for line in commands("Back up", "bash")]
    assert "without the database" in told[-1]
    shutil.rmtree(place / ".kerasd")

    for line in commands("Restore", "bash"):
        run(place, line, url=after)

    with start(place, database_url=after) as service:
        service.wait_ready()
        assert label(service, receipts) == {"accepted": 2, "duplicate": 2}
    other = run(place, f"{commands('Restore', 'bash')[-1]} --state-dir other", code=1)
    assert "The backup holds no database" in other


def test_an_upgrade_goes_on_beside_a_running_service(place: Path) -> None:
    with start(place) as service:
        service.wait_ready()
        for line in commands("Upgrade"):
            told = run(place, line)
        assert f"schema {HEAD}: nothing to do" in told

        set_schema(place, "9999")  # as a newer one's `kerasd migrate` does
        assert label(service, [predict(service)]) == {"accepted": 1}

    declare_good(place)
    assert "schema 9999: nothing to do" in run(place, commands("Upgrade")[-1])
    with start(place) as service:  # as when a node is drained while the upgrade has stalled
        service.wait_ready()
        assert label(service, [predict(service)]) == {"accepted": 1}
    assert "'9999'" in "".join(schema(place))


@pytest.mark.parametrize("command", ["serve model_repo", "web model_repo", "controller model_repo",
                                     "migrate", "backup elsewhere"])  # fmt: skip
def test_an_older_one_refuses_the_schema_of_a_newer_one(place: Path, command: str) -> None:
    run(place, ".venv/bin/kerasd migrate")
    set_schema(place, "9999")
    before = schema(place)

    told = run(place, f"{sys.executable} -m service.cli.main {command}", code=1)

    (sentence,) = [line for line in told.splitlines() if line.startswith("kerasd: ")]
    shown = " ".join(re.findall(r"^kerasd: The database.*?upgrade$", PAGE, re.M | re.S)[0].split())
    assert sentence == re.sub(r"schema \d{4}", "schema 9999", shown)
    assert f"its newest is {HEAD}" in sentence
    assert "Traceback" not in told
    assert schema(place) == before


def set_schema(place: Path, revision: str) -> None:
    with closing(sqlite3.connect(place / ".kerasd" / "kerasd.sqlite")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()


def declare_good(place: Path) -> None:
    """As a newer one does that has only added to the schema."""
    with closing(sqlite3.connect(place / ".kerasd" / "kerasd.sqlite")) as database:
        database.execute("UPDATE schema_good_for SET revision = '9999', oldest = ?", (HEAD,))
        database.commit()


def schema(place: Path) -> list[str]:
    with closing(sqlite3.connect(place / ".kerasd" / "kerasd.sqlite")) as database:
        return list(database.iterdump())


def test_behind_a_proxy_with_tls(place: Path) -> None:
    key = run(place, ".venv/bin/kerasd keys add ops --roles admin 2>/dev/null").strip()
    certificate, secret = make_certificate(place)
    (block,) = re.findall(r"^```nginx\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    plain = "server { listen 80; return 200; }\nupstream kerasd { server 10.0.0.1:8080; }\n"
    port = free_port()
    with start(place, access="keys") as service:
        service.wait_ready()
        told = {
            "10.0.0.1:8080": f"127.0.0.1:{service.port}",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/tls/kerasd.pem": str(certificate),
            "/etc/tls/kerasd.key": str(secret),
        }
        with running_documented(plain + block, told), requests.Session() as session:
            session.trust_env, session.verify = False, str(certificate)
            session.headers["X-API-Key"] = key
            url = f"https://127.0.0.1:{port}"
            examples = (ROOT / "model_repo/digits/examples.json").read_bytes()
            answer = session.post(f"{url}/v1/models/digits:predict", examples, timeout=30)
            change = session.post(f"{url}/v1/models/digits:load", timeout=60)
            session.headers.pop("X-API-Key")
            assert session.get(f"{url}/v1/models", timeout=30).status_code == 401
        assert answer.status_code == 200
        assert change.status_code == 200, change.text
