"""What probes are told."""

from pathlib import Path

from service.base.database import open_database
from service.base.settings import Settings
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from service.web.health import live, ready
from service.web.process import WebProcess
from tests.databases import migrate

NOT_LOOKED = "the first look at the database, whose tables a controller or kerasd migrate makes"


def test_a_worker_lives_before_it_is_ready_and_says_what_it_waits_for(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, repository=tmp_path)
    engine = open_database(settings.database)
    migrate(engine)
    store = VersionStore(engine, settings.repository_key)
    process = WebProcess(settings, 2)

    assert live(process) == (200, {"live": True})
    assert ready(process) == (
        503,
        {"ready": False, "waits_for": [NOT_LOOKED]},
    )
    store.replace([VersionRow("m", 1, State.COMPILING)])
    process.reloader.step(0.0)
    assert ready(process) == (503, {"ready": False, "waits_for": ["m"]})
    store.replace([])
    process.reloader.step(1.0)
    assert ready(process) == (503, {"ready": False, "waits_for": ["workers yet to start: 1"]})

    sibling = WebProcess(settings)
    sibling.reloader.step(1.0)  # the same process, and so the same worker
    assert ready(sibling) == (200, {"ready": True, "waits_for": []})
    for each in (process, sibling):
        each.close()


def test_where_keys_are_asked_for_strangers_learn_no_names(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, repository=tmp_path, access="keys")
    engine = open_database(settings.database)
    migrate(engine)
    rows = [VersionRow(model, 1, State.COMPILING) for model in ("secret-1", "secret-2")]
    VersionStore(engine, settings.repository_key).replace(rows)
    process = WebProcess(settings)
    process.reloader.step(0.0)

    assert ready(process) == (503, {"ready": False, "waits_for": ["2 to be loaded or started"]})
    process.close()


def test_a_worker_that_drains_says_so_whatever_it_has_loaded(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, repository=tmp_path)
    engine = open_database(settings.database)
    migrate(engine)
    VersionStore(engine, settings.repository_key).replace([])
    process = WebProcess(settings)
    process.reloader.step(0.0)
    assert ready(process)[0] == 200
    process.ending.begin_everywhere()
    assert ready(process) == (503, {"ready": False, "waits_for": ["draining"]})
    assert live(process)[0] == 200
    process.close()
