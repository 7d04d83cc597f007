"""`kerasd bake`: what it prints and how it ends, over the samples and over what can't be served."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.compiled import read_compiled
from tests.cli.command import Ran, kerasd, kerasd_apart


def bake(models: Path, *options: str) -> Ran:
    """Bake a repository into the folder beside it; the state directory can't be made."""
    folder = ("--compiled-dir", str(models.parent / "compiled"))
    return kerasd("bake", str(models), *folder, *options, KERASD_STATE_DIR="/proc/none")


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A repository of one file that is no model."""
    models = tmp_path / "models"
    (models / "strange" / "4").mkdir(parents=True)
    (models / "strange" / "4" / "model.h5").write_bytes(b"no model")
    return models


def test_a_failure_is_named_and_ends_with_1(strange: Path) -> None:
    ran = bake(strange)
    assert ran.returncode == 1
    assert "strange version 4: " in ran.stderr
    assert "failed" in ran.stdout


def test_failures_may_be_allowed(strange: Path) -> None:
    ran = bake(strange, "--allow-failures")
    assert ran.returncode == 0
    assert "strange version 4: " in ran.stderr


def test_a_folder_that_takes_nothing_is_told_in_the_table(strange: Path) -> None:
    (strange.parent / "compiled").write_text("in the way")
    ran = bake(strange)
    assert ran.returncode == 1
    assert "strange version 4: compiling can't begin: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "failed" in ran.stdout


def test_an_empty_repository_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    ran = bake(tmp_path / "models")
    assert (ran.returncode, ran.stdout.split()[:2]) == (1, ["model", "version"])
    assert "no models in" in ran.stderr


def test_a_repository_that_is_not_there_or_an_address(tmp_path: Path) -> None:
    assert bake(tmp_path / "none").returncode == 2
    ran = kerasd("bake", "s3://bucket/models")
    assert ran.returncode == 2
    assert "baking needs a folder" in ran.stderr


@pytest.fixture(scope="module")
def models(sample_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, in a folder beside which there is room."""
    models = tmp_path_factory.mktemp("bake") / "models"
    shutil.copytree(sample_repository, models)
    return models


@pytest.mark.slow
class TestSamples:
    def test_all_are_compiled_and_then_found(self, models: Path) -> None:
        folder = models.parent / "compiled"
        first = bake(models, "--onnx-only")
        written = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        second = bake(models, "--onnx-only")

        assert first.returncode == second.returncode == 0, first.stderr
        assert [first.stdout.count("compiled"), second.stdout.count("there already")] == [3, 3]
        assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == written
        assert {read_compiled(path).runtime for path in folder.iterdir()} == {"onnx"}

    def test_what_only_tensorflow_runs_is_noted_or_a_failure(self, models: Path) -> None:
        folder = next((models.parent / "compiled").iterdir())
        replace(read_compiled(folder), runtime="tensorflow").write(folder)

        noted, failed = bake(models), bake(models, "--onnx-only")

        assert noted.returncode == 0
        assert "TensorFlow runs it" in noted.stdout
        assert failed.returncode == 1
        assert failed.stderr.count("the image without TensorFlow can't serve it") == 1


def test_the_folder_is_read_by_whoever_serves(strange: Path) -> None:
    compiled = strange.parent / "compiled"
    ran = kerasd_apart("bake", str(strange), "--compiled-dir", str(compiled))
    assert ran.returncode == 1
    assert os.stat(compiled).st_mode & 0o555 == 0o555
