"""Requests for models that are not in memory, over HTTP: they wait, or are told to come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.base.database import open_database
from service.base.settings import MEBIBYTE, Settings
from service.repository.states import VersionRow
from service.repository.store import VersionStore
from service.web import budget, residents
from service.web.served import ServedVersion
from tests.databases import migrate
from tests.fakes import FakeVersion
from tests.web.client import WAYS, Client, FakeWorker, FlaskClient, FrontClient, row

BODY = {"instances": [[1.0, 2.0, 3.0]]}
MODELS = ("a", "b", "c")


class HeavyWorker(FakeWorker):
    """Its versions are so large that two have room; each load makes a new one."""

    def _load(self, row: VersionRow) -> ServedVersion:
        self.fakes[row.model] = FakeVersion()
        return super()._load(row)

    def _weigh(self, row: VersionRow) -> int:
        return 400 * MEBIBYTE


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No version stays for its age's or its last use's sake; these give no memory back."""
    monkeypatch.setattr(residents, "FREE_WAIT_S", 0.0)
    monkeypatch.setattr(budget, "STAY_S", 0.0)
    monkeypatch.setattr(residents, "IDLE_S", 0.0)


@contextmanager
def working(folder: Path, **settings: Any) -> Iterator[HeavyWorker]:
    read = Settings(state_dir=folder, repository=folder, model_memory_mb=1000, **settings)
    engine = open_database(read.database)
    migrate(engine)
    VersionStore(engine, read.repository_key).replace([row(name) for name in MODELS])
    engine.dispose()
    worker = HeavyWorker(read, {})
    worker.reloader.step(0.0)
    worker.reloader.start()
    try:
        yield worker
    finally:
        worker.close()


def loaded(worker: HeavyWorker) -> list[str]:
    return [slot.model for slot in worker.pool.slots()]


@contextmanager
def client_of(way: type[FlaskClient | FrontClient], worker: HeavyWorker) -> Iterator[Client]:
    client = way(worker)
    try:
        yield client
    finally:
        client.close()


@pytest.mark.parametrize("way", WAYS)
class TestEitherWayIn:
    def test_the_first_answer_of_a_cold_model_comes_after_loading(
        self, tmp_path: Path, way: type[FlaskClient | FrontClient]
    ) -> None:
        with working(tmp_path) as worker, client_of(way, worker) as client:
            assert loaded(worker) == ["a", "b"]
            for model in ("c", "a", "b", "c"):
                assert client.predict(model, BODY).status == 200
                assert len(loaded(worker)) == 2

    def test_where_the_setting_says_so_it_is_refused_at_once_and_loaded(
        self, tmp_path: Path, way: type[FlaskClient | FrontClient]
    ) -> None:
        refusing = working(tmp_path, cold_models="refuse", load_wait_s=1000)
        with refusing as worker, client_of(way, worker) as client:
            refused = client.predict("c", BODY)
            assert refused.status == 503
            assert refused.headers["retry-after"] == "1"
            assert "is not in memory, but is being loaded now" in refused.json["error"]
            while "c" not in loaded(worker):
                pass
            assert client.predict("c", BODY).status == 200

    def test_a_version_asked_for_by_its_number_is_loaded_too(
        self, tmp_path: Path, way: type[FlaskClient | FrontClient]
    ) -> None:
        with working(tmp_path) as worker, client_of(way, worker) as client:
            answer = client.post("/v1/models/c/versions/2:predict", BODY)
            assert answer.status == 200
            assert "c" in loaded(worker)
