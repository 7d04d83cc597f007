"""A candidate is published once, promoted when it is ready, and only over the champion it beat."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.compiled import digest_file
from service.base.job_errors import Cancelled
from service.base.load_options import LoadOptions
from service.base.refusals import TrainingRefused
from service.data.dataset import DataLimits
from service.jobs.attempt import Attempt
from service.jobs.store import JobStore
from service.quality.store import QualityStore
from service.quality.store_evaluations import EvaluationStore
from service.repository.manifest import read_manifest, read_provenance
from service.repository.shelf import FolderShelf
from service.repository.states import State
from service.training.publication.candidate import Candidate
from service.training.publication.release import Lineage, Promotion, Release
from service.training.workplace import Workplace
from tests.jobs.orders import begun
from tests.repository.crew import BY_ANN, Crew, ready

LINEAGE = Lineage("m", 3, "macro_f1 is 0.9, the champion's 0.8", {"job": "j", "data": {"rows": 9}})


class Press:
    """A job's attempt, a repository with versions 1 to 3 of a model, and workers that follow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crew = Crew(folder)
        engine: sa.Engine = self.crew.engine
        self.jobs = JobStore(engine, "repository")
        (folder / "models" / "m" / "3").mkdir(parents=True)
        (folder / "models" / "m" / "3" / "model.keras").write_text("parent")
        self.place = Workplace(
            repository=folder / "models",
            shelf=FolderShelf(folder / "models"),
            compiled_dir=folder / "compiled",
            uploads_dir=folder / "uploads",
            data_dir=None,
            data_limits=DataLimits(),
            capture_dir=folder / "captured",
            versions=self.crew.store,
            quality=QualityStore(engine, "repository"),
            evaluations=EvaluationStore(engine, "repository"),
            tell=self.crew.tell,
            custom=LoadOptions(),
            threads=1,
            compile_timeout_s=20,
        )
        self.attempt = Attempt(self.jobs, begun(self.jobs, model="m"), folder / "job")
        self.release = Release(self.place, self.attempt, self.crew.clock, self.crew.pause)

    def candidate(self, content: str = "weights") -> Candidate:
        home = self.folder / "job" / "candidate"
        home.mkdir(parents=True, exist_ok=True)
        (home / "model.keras").write_text(content)
        files = {"model.keras": home / "model.keras"}
        return Candidate(files, {name: digest_file(path) for name, path in files.items()})

    def publish(self) -> tuple[int, bool]:
        published = self.release.publish(self.candidate(), LINEAGE, self.folder / "job" / "parcel")
        return published.version, published.is_new

    def is_ready(self, version: int) -> None:
        """The controller has found it compiled."""
        rows = self.crew.store.rows()
        if all(row.version != version for row in rows):
            self.crew.store.replace([*rows, ready(version)])


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    made = Press(tmp_path)
    made.crew.store.change("m", lambda route: replace(route, current=3))
    made.crew.follow()
    yield made
    made.crew.engine.dispose()


def test_a_model_that_was_removed_meanwhile_is_not_brought_back(press: Press) -> None:
    shutil.rmtree(press.place.repository / "m")

    with pytest.raises(TrainingRefused, match="no longer in the repository"):
        press.publish()

    assert not (press.place.repository / "m").exists()


def test_a_note_of_several_lines_is_one_in_the_audit(press: Press) -> None:
    noted = replace(LINEAGE, why="line\nline\0")

    press.release.publish(press.candidate(), noted, press.folder / "job" / "parcel")

    assert press.crew.store.audit("m", limit=1)[0].why == "line line "


def test_the_manifest_tells_all_and_the_candidate_stays(press: Press) -> None:
    assert press.publish() == (4, True)

    home = press.place.repository / "m" / "4"
    about = read_provenance(home)
    job = press.attempt.job.id
    assert (about.uploaded_by, about.key, about.parent) == (f"job {job}", job, 3)
    assert about.why == LINEAGE.why
    assert about.training == LINEAGE.training
    assert read_manifest(home) == dict(press.candidate().digests)
    assert (press.folder / "job" / "candidate" / "model.keras").read_text() == "weights"
    entry = press.crew.store.audit("m", limit=1)[0]
    assert (entry.action, entry.who, entry.after["version"]) == ("train", f"job {job}", 4)


def test_a_second_attempt_finds_what_the_first_has_published(press: Press) -> None:
    press.publish()
    assert press.publish() == (4, False)
    assert press.crew.actions().count("train") == 1


def test_what_was_published_by_a_killed_attempt_is_written_down_by_the_next(press: Press) -> None:
    class Dying(Release):
        def _write_down(self, *_: object) -> None:
            raise KeyboardInterrupt

    killed = Dying(press.place, press.attempt, press.crew.clock, press.crew.pause)
    with pytest.raises(KeyboardInterrupt):
        killed.publish(press.candidate(), LINEAGE, press.folder / "job" / "parcel")
    assert "train" not in press.crew.actions()

    assert press.publish() == (4, False)

    assert press.crew.actions().count("train") == 1
    assert press.crew.store.audit("m", limit=1)[0].after["version"] == 4


def test_another_job_with_the_same_files_makes_another_version(press: Press) -> None:
    press.publish()
    press.jobs.give_up(press.attempt.job.id, 1, 2000.0, "enough", None)
    other = Attempt(press.jobs, begun(press.jobs, 2000.0, "m"), press.folder / "other")
    again = Release(press.place, other, press.crew.clock, press.crew.pause)
    published = again.publish(press.candidate(), LINEAGE, press.folder / "other")
    assert (published.version, published.is_new) == (5, True)


def test_it_is_promoted_when_the_controller_and_the_workers_have_it(press: Press) -> None:
    press.crew.meanwhile = lambda: press.is_ready(4)
    assert press.release.promote("m", 4, 3, LINEAGE.why) == Promotion(True)
    assert press.crew.current() == 4
    entry = press.crew.store.audit("m", limit=1)[0]
    assert (entry.action, entry.why) == ("promote", LINEAGE.why)
    assert press.crew.store.route("m").is_pinned


def test_it_is_promoted_once_more_without_harm(press: Press) -> None:
    press.is_ready(4)
    press.release.promote("m", 4, 3, "why")
    assert press.release.promote("m", 4, 3, "why") == Promotion(True)
    assert press.crew.store.route("m").previous == (3,)


def test_one_that_can_not_be_served_is_not_promoted(press: Press) -> None:
    press.crew.store.replace(
        [*press.crew.store.rows(), replace(ready(4), state=State.FAILED, reason="too large")]
    )
    found = press.release.promote("m", 4, 3, "why")
    assert found == Promotion(False, "version 4 is FAILED: too large")


def test_the_controller_is_not_waited_for_without_end(press: Press) -> None:
    found = press.release.promote("m", 4, 3, "why")
    assert not found.is_promoted
    assert "in time" in found.why


def test_what_somebody_made_current_meanwhile_stays(press: Press) -> None:
    press.is_ready(4)
    press.crew.store.change("m", lambda route: replace(route, current=1, is_pinned=True))
    found = press.release.promote("m", 4, 3, "why")
    assert found == Promotion(False, "version 1 was made current meanwhile")
    assert press.crew.current() == 1


def test_a_worker_that_can_not_load_it_is_told(press: Press) -> None:
    press.is_ready(4)
    press.crew.broken = {f"{press.crew.names[0]} 4": "no memory"}
    found = press.release.promote("m", 4, 3, "why")
    assert not found.is_promoted
    assert "no memory" in found.why


def test_a_cancelled_job_promotes_nothing(press: Press) -> None:
    press.is_ready(4)
    press.jobs.ask_cancel(press.attempt.job.id, 3000.0)
    with pytest.raises(Cancelled):
        press.release.promote("m", 4, 3, "why")
    assert "promote" not in press.crew.actions()


def test_the_champion_is_held_before_another_is_published(press: Press) -> None:
    press.release.hold("m", "a candidate waits for an operator")
    route = press.crew.store.route("m")
    assert (route.current, route.is_pinned) == (3, True)
    entry = press.crew.store.audit("m", limit=1)[0]
    assert (entry.action, entry.why) == ("promote", "a candidate waits for an operator")
    press.release.hold("m", "again")
    assert press.crew.actions() == ["promote"]


def test_who_was_pinned_by_an_operator_stays_so(press: Press) -> None:
    press.crew.store.change("m", lambda route: replace(route, current=2, is_pinned=True))
    press.release.hold("m", "why")
    assert press.crew.current() == 2
    assert BY_ANN.who not in {entry.who for entry in press.crew.store.audit()}
