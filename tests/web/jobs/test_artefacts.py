"""Which files of a job's folder are shown, and that no name leads to any other."""

import os
from pathlib import Path

import pytest

from service.web.jobs.artefacts import ArtefactNotFound, find_artefacts, open_artefact

SHOWN = ["checkpoints/01.keras", "job.log", "logs/train/events.v2", "report.json"]
HIDDEN = [
    "data/inputs.npy", "backup/state.npz", "secret", "report.json.part", "logs/.partial",
    "compiled/model.onnx",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "jobs" / "one"
    for name in [*SHOWN, *HIDDEN]:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "key").write_text("secret")
    (made / "logs" / "link").symlink_to(tmp_path / "outside" / "key")
    (made / "logs" / "folder").symlink_to(tmp_path / "outside")
    (made / "train.csv").symlink_to(tmp_path / "outside" / "key")
    os.mkfifo(made / "logs" / "pipe")
    (made / "logs" / os.fsdecode(b"not\xff-utf8")).write_text("x")
    return made


def test_what_is_shown_is_listed_by_its_name(folder: Path) -> None:
    assert [one.name for one in find_artefacts(folder)] == SHOWN
    assert find_artefacts(folder)[0].bytes == len(SHOWN[0])


def test_what_is_listed_can_be_read(folder: Path) -> None:
    for name in SHOWN:
        with open_artefact(folder, "one", name) as file:
            assert file.read().decode() == name


@pytest.mark.parametrize(
    "name",
    [
        *HIDDEN, "", "/", "logs", "logs/", "logs//train/events.v2", "../one/report.json",
        "logs/../report.json", "logs/../data/inputs.npy", "./report.json", "logs/./train/events.v2",
        "/etc/passwd", "logs/link", "logs/folder/key", "train.csv", "logs/pipe", "logs/nothing",
        "logs/train/events.v2\0", "logs/" + "d/" * 50 + "x", "report.json/", "REPORT.JSON",
    ],
)  # fmt: skip
def test_any_other_name_is_nothing(folder: Path, name: str) -> None:
    with pytest.raises(ArtefactNotFound):
        open_artefact(folder, "one", name)


def test_a_job_that_has_not_begun_has_none(tmp_path: Path) -> None:
    assert find_artefacts(tmp_path / "nothing") == []
    with pytest.raises(ArtefactNotFound):
        open_artefact(tmp_path / "nothing", "x", "report.json")
