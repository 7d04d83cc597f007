"""What a job trains goes into a bucket as it goes into a folder: once, with its lineage."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.refusals import TrainingRefused
from service.repository.remote.shelf import RemoteShelf
from service.training.publication.release import Release
from tests.remote.memory import Remote
from tests.training.test_release import LINEAGE, Press


@pytest.fixture
def remote() -> Remote:
    remote = Remote()
    remote.put_version("m/3", {"model.keras": b"parent"})
    return remote


@pytest.fixture
def press(tmp_path: Path, remote: Remote) -> Iterator[Press]:
    made = Press(tmp_path)
    paused: list[float] = []
    shelf = RemoteShelf(
        remote.bucket, lambda: None, None, 60, lambda: sum(paused), paused.append
    )  # fmt: skip
    made.place = replace(made.place, shelf=shelf)
    made.release = Release(made.place, made.attempt, made.crew.clock, made.crew.pause)
    yield made
    made.crew.engine.dispose()


def test_a_candidate_becomes_the_next_version_with_its_lineage(
    press: Press, remote: Remote
) -> None:
    assert press.publish() == (4, True)
    assert press.publish() == (4, False)
    told = json.loads(remote.read("m/4/manifest.json"))
    assert (told["parent"], told["training"]) == (3, LINEAGE.training)
    assert told["key"] == press.attempt.job.id
    assert remote.read("m/4/model.keras") == b"weights"
    assert press.crew.actions().count("train") == 1


def test_hours_of_training_are_not_lost_to_a_network_that_comes_back(
    press: Press, remote: Remote
) -> None:
    left = 5

    def fail(method: str, _key: str) -> Exception | None:
        nonlocal left
        if method != "put" or left == 0:
            return None
        left -= 1
        return ConnectionResetError()

    remote.store.fails = fail
    assert press.publish() == (4, True)
    assert left == 0


def test_a_model_that_was_removed_meanwhile_is_not_brought_back(
    press: Press, remote: Remote
) -> None:
    remote.remove(*remote.names())
    with pytest.raises(TrainingRefused, match="no longer in the repository"):
        press.publish()
    assert remote.names() == []
