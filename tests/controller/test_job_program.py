"""What a job's program is given: a scratch folder, its limits, and no secret it has no need of."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from service.base.settings import Settings, read_settings
from service.controller.job_program import PROGRAM, JobProgram
from tests.controller.job_world import JobWorld
from tests.jobs.orders import begun


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        state_dir=tmp_path / "state",
        repository=tmp_path / "models",
        ray_token=SecretStr("ray-hush"),
        api_key=SecretStr("key-hush"),
        webhook="https://example.org/?hook-hush",
        job_memory_mb=2048,
        job_threads=3,
    )


def test_a_program_has_these_settings_but_none_of_their_secrets(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begun(JobWorld(tmp_path).store)

    command = JobProgram(settings).command(job)

    assert command.argv == (*PROGRAM, job.id, "1")
    assert "hush" not in str(command.environment)
    for name in [name for name in os.environ if name.startswith("KERASD_")]:
        monkeypatch.delenv(name)
    for name, value in command.environment.items():
        monkeypatch.setenv(name, value)
    told = read_settings()
    kept = set(Settings.model_fields) - {"ray_token", "api_key", "webhook", "keys_file"}
    assert told.repository_key == settings.repository_key
    assert [getattr(told, name) for name in sorted(kept)] == [
        getattr(settings, name) for name in sorted(kept)
    ]


def test_a_program_has_no_secret_that_the_service_was_started_with(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "HF_TOKEN",
        "DB_PASSWORD",
        "x_apikey",
    ):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("PGPASSWORD", "needed")
    monkeypatch.setenv("XLA_FLAGS", "--kept")

    told = JobProgram(settings).command(begun(JobWorld(tmp_path).store)).environment

    assert "hush" not in str(told)
    assert (told["PGPASSWORD"], told["XLA_FLAGS"]) == ("needed", "--kept")


def test_a_program_works_within_its_limits_and_in_its_own_folder(
    settings: Settings, tmp_path: Path
) -> None:
    job = begun(JobWorld(tmp_path).store)
    program = JobProgram(settings, ("true",))

    command = program.command(job)

    scratch = Path(command.environment["TMPDIR"])
    assert scratch == settings.jobs_dir / job.id / "attempt-1"
    assert scratch.is_dir()
    assert command.environment["HOME"] == str(scratch)
    assert (command.limits.address_space, command.limits.threads) == (2048 * 2**20, 3)
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    assert {command.environment[name] for name in names} == {"3"}
    program.clean(job)
    assert not scratch.exists()
    assert scratch.parent.exists()


@pytest.mark.parametrize(("count", "threads"), [(6, 3), (1, 1)])
def test_a_program_has_half_of_the_processors_that_the_service_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, threads: int
) -> None:
    monkeypatch.setattr("service.controller.job_program.processors", lambda: count)
    program = JobProgram(Settings(state_dir=tmp_path / "state"))
    assert program.command(begun(JobWorld(tmp_path).store)).limits.threads == threads


@pytest.mark.parametrize(
    ("more", "is_given"),
    [
        ({"repository": "s3://bucket/models"}, True),
        ({"compiled_url": "s3://bucket/compiled"}, True),
        ({"repository": "s3://bucket/models", "executor": "ray"}, False),
        ({}, False),
    ],
    ids=["repository", "compiled", "elsewhere", "local"],
)
def test_a_program_here_may_publish_where_the_service_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], is_given: bool
) -> None:
    ours = {"AWS_SECRET_ACCESS_KEY", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_SECRET"}
    for name in (*ours, "HF_TOKEN"):
        monkeypatch.setenv(name, "hush")
    settings = Settings(**{"state_dir": tmp_path / "state", **more})
    command = JobProgram(settings).command(begun(JobWorld(tmp_path).store))
    assert ours & command.environment.keys() == (ours if is_given else set())
    assert "HF_TOKEN" not in command.environment
