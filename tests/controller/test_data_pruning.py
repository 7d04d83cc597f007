"""Uploaded data files go when no job has named them for long, and that stands in the audit."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.controller.data_pruning import DAY_S, DataPruning
from service.data.shelf import DataFile, Shelf
from service.jobs.store import JobStore
from service.repository.model_config import ModelConfig
from service.repository.store import VersionStore
from tests.databases import migrate
from tests.jobs.orders import ORDER, order

NOW = 1_700_000_000.0
CONFIGS = {"m": ModelConfig(retrain={"data": {"file": f"{'c' * 64}.csv"}, "schedule": "@weekly"})}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(f"sqlite:///{tmp_path}/jobs.sqlite")
    migrate(engine)
    yield engine
    engine.dispose()


def send(folder: Path, letter: str, age_days: float) -> str:
    source = folder / letter
    source.write_text("a,y\n")
    file = f"{letter * 64}.csv"
    Shelf(folder / "data").put("m", source, DataFile(file, "", 4, "a.csv", "ann", NOW))
    at = NOW - age_days * DAY_S
    os.utime(folder / "data" / "m" / file, (at, at))
    return file


def pruning(
    folder: Path,
    engine: sa.Engine,
    keep_days: float = 30,
    configs: Mapping[str, ModelConfig | None] | None = CONFIGS,
) -> DataPruning:
    store, versions = JobStore(engine, "/models"), VersionStore(engine, "/models")
    return DataPruning(folder / "data", keep_days, store, versions, lambda: configs, lambda: NOW)


def test_old_files_go_and_what_a_job_or_the_model_names_stays(
    tmp_path: Path, engine: sa.Engine
) -> None:
    old, named = send(tmp_path, "a", 31), send(tmp_path, "b", 31)
    planned, new = send(tmp_path, "c", 31), send(tmp_path, "d", 29)
    foreign = replace(ORDER, model="m", request={"data": {"file": named}})
    JobStore(engine, "/elsewhere").submit(foreign, NOW)  # another repository, the same folder

    pruning(tmp_path, engine)()

    kept = {one.file for one in Shelf(tmp_path / "data").files("m")}
    assert kept == {named, planned, new}
    (entry,) = VersionStore(engine, "/models").audit("m")
    assert (entry.action, entry.who, entry.after) == ("delete-data", "controller", {"file": old})
    assert "30 days (setting data_keep_days)" in entry.why


def test_the_time_counts_from_the_last_job(tmp_path: Path, engine: sa.Engine) -> None:
    file = send(tmp_path, "a", 31)
    store = JobStore(engine, "/models")
    job = store.submit(order("m", request={"init": {"weights_file": file}}), NOW)
    pruning(tmp_path, engine)()
    store.ask_cancel(job.id, NOW)

    pruning(tmp_path, engine)()

    assert [one.file for one in Shelf(tmp_path / "data").files("m")] == [file]


def test_with_0_days_they_stay_for_ever(tmp_path: Path, engine: sa.Engine) -> None:
    file = send(tmp_path, "a", 5000)

    pruning(tmp_path, engine, 0)()

    assert [one.file for one in Shelf(tmp_path / "data").files("m")] == [file]


@pytest.mark.parametrize(
    "configs", [None, {}, {"m": None}], ids=["none read", "no model there", "its own not read"]
)
def test_without_the_file_of_its_model_nothing_is_deleted(
    tmp_path: Path, engine: sa.Engine, configs: Mapping[str, None] | None
) -> None:
    file = send(tmp_path, "a", 31)

    pruning(tmp_path, engine, configs=configs)()

    assert [one.file for one in Shelf(tmp_path / "data").files("m")] == [file]


def test_what_belongs_to_no_model_any_more_is_deleted(tmp_path: Path, engine: sa.Engine) -> None:
    send(tmp_path, "a", 31)

    pruning(tmp_path, engine, configs={"n": None})()

    assert list(Shelf(tmp_path / "data").files("m")) == []
