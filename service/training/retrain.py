"""One retrain from its rows to a served version: gather, prepare, fit, compile, judge, publish.

Each step leaves its result in the job's folder before the next begins. A later attempt finds it
there and goes on; what was decided once is not decided anew.

    start.json     the version to begin with, and the champion
    data/          the rows
    backup/        the state of the fit
    candidate/     the trained model's files; beside them trained.json, what came of the fit
    compiled/      the candidate as it will be served
    verdict.json   what was measured, and what the gate said
    report.json    everything, as it stands in the job's result
"""

import logging
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from service.base.job_errors import Cancelled
from service.base.refusals import TrainingRefused
from service.base.strict_json import Json
from service.data.asked import expected_rows
from service.data.dataset import Expected
from service.jobs.attempt import Attempt
from service.jobs.job import JobState
from service.recipe.data import LabelledData
from service.recipe.gate import unfit
from service.recipe.retrain import RetrainRequest
from service.repository.model_config import ModelConfig
from service.repository.new_head import why_not_learned, why_not_served
from service.training.coming import await_current
from service.training.data.gathering import gather, gather_rows
from service.training.data.rows import Rows, TrainingData
from service.training.ended import Ended
from service.training.fit.trained import Trained, read_trained, train
from service.training.judging.answers import Question, question_of
from service.training.judging.judgement import Case, reach_verdict, read_verdict
from service.training.judging.trial import of_record, told
from service.training.kept import REPORT, START, keep, read_kept
from service.training.model.new_task import asked_of
from service.training.publication.compiled_candidate import compile_candidate, place_compiled
from service.training.publication.lineage import (
    fit_summary,
    score_summary,
    shortened,
    training_record,
)
from service.training.publication.release import Lineage, Promotion, Release
from service.training.source_version import SourceVersion
from service.training.sources import find_ready, find_source, options_of
from service.training.workplace import Workplace

logger = logging.getLogger(__name__)

NOT_COMPARED = "it couldn't be compared with the current version; promote it by hand"


def retrain(
    attempt: Attempt, place: Workplace, pause: Callable[[float], None] = time.sleep
) -> Ended:
    """Do the job, or what earlier attempts have left of it.

    Raises KerasdError with the reason where it can't be done.
    """
    return _Retrain(attempt, place, Release(place, attempt, pause=pause)).run()


class _Retrain:
    """One attempt at one retrain."""

    def __init__(self, attempt: Attempt, place: Workplace, release: Release) -> None:
        self._attempt = attempt
        self._place = place
        self._model = attempt.job.model
        self._folder = attempt.folder
        self._request = RetrainRequest.model_validate(attempt.job.request)
        self._release = release

    def run(self) -> Ended:
        if self._request.promote != "never":
            self._place.shelf.check_writable(self._model)  # or all the work is for nothing
        self._check_request()
        trained = read_trained(self._folder) or self._train()
        compiled = compile_candidate(
            trained.candidate,
            options_of(self._place, self._config),
            self._folder,
            self._attempt.check,
        )
        self._attempt.advance(JobState.EVALUATING)
        verdict = read_verdict(self._folder) or self._judge(trained, compiled)
        self._attempt.event("verdict", **verdict["verdict"])
        if not verdict["verdict"]["passed"]:
            return self._ended(JobState.GATED, trained, verdict)
        if self._request.promote == "never":
            return self._ended(JobState.SUCCEEDED, trained, verdict)
        return self._publish(trained, compiled, verdict)

    @cached_property
    def _start(self) -> Json:
        """The version to begin with and the champion, as they were when the job first ran."""
        found = read_kept(self._folder / START)
        if found is not None:
            return found
        champion = await_current(self._place, self._attempt)
        version = self._request.init.version or champion
        if version is None:
            raise TrainingRefused(
                f"model {self._model}", "no version of it is current, and init.version names none"
            )
        self._attempt.check()
        return keep(self._folder / START, {"version": version, "champion": champion})

    @cached_property
    def _config(self) -> ModelConfig:
        return find_ready(self._place, self._attempt, self._start["version"]).config

    @cached_property
    def _source(self) -> SourceVersion:
        return find_source(self._place, self._attempt, self._start["version"], self._request.init)

    @cached_property
    def _question(self) -> Question:
        """What the candidate will answer: as its parent does, unless it gets another head."""
        assert self._source.signature is not None
        found = question_of(self._config, self._source.signature, f"model {self._model}")
        head = self._request.init.replace_head
        return found if head is None else asked_of(head, found)

    @cached_property
    def _data(self) -> TrainingData:
        asked = self._request.data
        places, live = self._place.places(self._model), self._place.live(self._model)
        return gather(asked, self._expected(asked), places, self._folder, self._attempt, live)

    def _expected(self, asked: LabelledData) -> Expected:
        assert self._source.signature is not None
        about = self._question
        sequences = self._config.sequences
        return expected_rows(
            asked, self._source.signature, about.form, about.width, about.labels, sequences
        )

    def _check_request(self) -> None:
        """What can be known before anything is done. Raises TrainingRefused."""
        request, question = self._request, self._question
        why = unfit(request.gate, question.form, question.class_names)
        head = request.init.replace_head
        if head is not None and not why and request.data.from_feedback is not None:
            why = why_not_learned(head, self._config)
        if head is not None and not why and request.promote != "never":
            why = why_not_served(head, self._config)
        if why:
            raise TrainingRefused(f"model {self._model}", why)

    def _train(self) -> Trained:
        self._attempt.progress(stage="gathering")
        data = self._data
        self._attempt.event("data", **data.facts.as_json())
        self._attempt.progress(stage="fitting")
        return train(self._request, self._source, data, self._attempt)

    def _judge(self, trained: Trained, compiled: Path) -> Json:
        self._attempt.progress(stage="evaluating")
        case = Case(
            self._request, self._model, self._config, trained, compiled, self._start["champion"]
        )
        return reach_verdict(case, self._data, self._find_live, self._place, self._attempt)

    def _find_live(self, asked: LabelledData, folder: Path) -> Rows:
        places, live = self._place.places(self._model), self._place.live(self._model)
        return gather_rows(asked, self._expected(asked), places, folder, self._attempt, live)[0]

    def _publish(self, trained: Trained, compiled: Path, verdict: Json) -> Ended:
        """The version, then its place in the cache of compiled ones, its scores, the pointer."""
        why = self._why(verdict)
        self._attempt.check()
        # Else the version policy would promote it, whatever has become current meanwhile.
        self._release.hold(self._model, "a candidate is published that nobody promotes yet")
        place_compiled(compiled, self._place.compiled_dir)
        record = training_record(
            self._attempt.job.id, self._request, self._data.facts.as_json(), trained.record, verdict
        )
        lineage = Lineage(self._model, self._start["version"], why, record)
        self._attempt.check()
        published = self._release.publish(
            trained.candidate, lineage, self._folder / f"attempt-{self._attempt.number}" / "parcel"
        )
        self._attempt.event("published", version=published.version)
        self._store_scores(verdict, published.version)
        promotion = self._promote(published.version, verdict, why)
        return self._ended(JobState.PUBLISHED, trained, verdict, published.version, promotion)

    def _may_promote(self, verdict: Json) -> bool:
        """A candidate that nobody could compare doesn't replace a champion by itself."""
        return bool(self._start["champion"] is None or verdict["champion"]["compared"])

    def _promote(self, version: int, verdict: Json, why: str) -> Promotion:
        if self._request.promote == "manual":
            return Promotion(False, "promote is manual: an operator decides")
        if not self._may_promote(verdict):
            return Promotion(False, NOT_COMPARED)
        self._attempt.progress(stage="promoting")
        try:
            return self._release.promote(self._model, version, self._start["champion"], why)
        except Cancelled:
            return Promotion(False, "the job was cancelled before it was promoted")

    def _store_scores(self, verdict: Json, version: int) -> None:
        """Keep what was measured with the versions that it is of, each once."""
        now = time.time()
        for one in verdict["measured"]:
            evaluation = of_record(one, self._model, version, self._attempt.job.id, now)
            self._place.evaluations.add(evaluation)

    def _why(self, verdict: Json) -> str:
        """The reason of the publication, in one line."""
        reasons = {one["rule"]: one["text"] for one in verdict["verdict"]["reasons"]}
        what = reasons.get("gain", "")
        note = f"{self._request.description}: " if self._request.description else ""
        return f"{note}retrained for {self._attempt.job.by or 'somebody'}, {what}"

    def _ended(
        self,
        state: JobState,
        trained: Trained,
        verdict: Json,
        version: int | None = None,
        promotion: Promotion | None = None,
    ) -> Ended:
        result: Json = {
            "version": version,
            "parent": self._start["version"],
            "champion": verdict["champion"],
            "promoted": promotion is not None and promotion.is_promoted,
            "not_promoted_because": "" if promotion is None else promotion.why,
            "gate": verdict["verdict"],
            "scores": [score_summary(one) for one in verdict["measured"]],
            "epochs": fit_summary(trained.record),
            "data": self._data.facts.as_json(),
        }
        whole = {**result, "trained": trained.record, "measured": told(verdict["measured"])}
        keep(self._folder / REPORT, whole)
        return Ended(state, shortened(result))
