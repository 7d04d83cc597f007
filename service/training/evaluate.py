"""A job of the kind evaluate: versions of a model on rows with known labels, scored and stored."""

import time

from service.base.refusals import FileRefused, TrainingRefused
from service.base.strict_json import Json
from service.data.asked import expected_rows
from service.data.dataset import Expected
from service.jobs.attempt import Attempt
from service.jobs.job import JobState
from service.loading.inspection import inspect_files
from service.loading.saved_training import read_saved_training
from service.quality.compared import compare_evaluations
from service.quality.keras_losses import Loss, loss_of
from service.quality.store_evaluations import StoredEvaluation
from service.recipe.evaluation import EvaluateRequest
from service.recipe.init import Init
from service.training.coming import await_current
from service.training.data.gathering import gather_rows
from service.training.data.rows import Rows
from service.training.ended import Ended
from service.training.inference import Inference
from service.training.judging.answers import loss_by_form
from service.training.judging.trial import Contestant, Trial, of_record
from service.training.kept import REPORT, START, keep, read_kept
from service.training.model.told_by_file import told_by
from service.training.publication.lineage import score_summary
from service.training.sources import Served, find_served, find_source
from service.training.workplace import Workplace


def evaluate(attempt: Attempt, place: Workplace) -> Ended:
    """Do the job; what an earlier attempt has measured is measured again, and stored once.

    Raises KerasdError with the reason where it can't be done.
    """
    request = EvaluateRequest.model_validate(attempt.job.request)
    model = attempt.job.model
    versions = [find_served(place, attempt, version) for version in _versions(attempt, place)]
    _check_same(model, versions)
    attempt.progress(stage="gathering")
    expected = _expected(request, versions[0])
    rows, facts = gather_rows(
        request.data, expected, place.places(model), attempt.folder, attempt, place.live(model)
    )
    attempt.event("data", **facts.as_json())
    attempt.advance(JobState.EVALUATING)
    stored = [_measure(attempt, place, one, rows, request) for one in versions]
    result = {
        "dataset": request.dataset,
        "data": facts.as_json(),
        "scores": [_told(one) for one in stored],
        "comparisons": [compare_evaluations(stored[0], one).as_json() for one in stored[1:]],
    }
    keep(attempt.folder / REPORT, {**result, "whole": [dict(one.scores) for one in stored]})
    return Ended(JobState.SUCCEEDED, result)


def _expected(request: EvaluateRequest, served: Served) -> Expected:
    about = served.question
    return expected_rows(
        request.data, served.signature, about.form, about.width, about.labels, served.sequences
    )


def _versions(attempt: Attempt, place: Workplace) -> list[int]:
    """Which versions: the same in every attempt, though another may have become current."""
    found = read_kept(attempt.folder / START)
    if found is None:
        asked = list(attempt.job.request.get("versions", ())) or [await_current(place, attempt)]
        if asked == [None]:
            raise TrainingRefused(
                f"model {attempt.job.model}", "no version of it is current, and none is named"
            )
        found = keep(attempt.folder / START, {"versions": asked})
    return [int(version) for version in found["versions"]]


def _check_same(model: str, versions: list[Served]) -> None:
    first = versions[0]
    for other in versions[1:]:
        why = other.differs_from(first)
        if why:
            raise TrainingRefused(
                f"version {other.version} of model {model}",
                f"{why} than version {first.version}: evaluate it apart",
            )


def _measure(
    attempt: Attempt, place: Workplace, served: Served, rows: Rows, request: EvaluateRequest
) -> StoredEvaluation:
    model = attempt.job.model
    with Inference(served.folder, place.threads) as inference:
        trial = Trial(attempt, request.batch_size, _loss(attempt, place, served, request))
        who = Contestant(served.version, inference, served.question)
        measured = trial.measure(who, rows, request.dataset)
    stored = of_record(measured.as_json(), model, served.version, attempt.job.id, time.time())
    attempt.check()
    place.evaluations.add(stored)
    attempt.event("scores", **score_summary(measured.as_json()))
    return stored


def _loss(
    attempt: Attempt, place: Workplace, served: Served, request: EvaluateRequest
) -> Loss | None:
    """The loss that is asked for, else that of the version's file, else the usual one."""
    if request.loss is not None:
        return loss_of(request.loss.model_dump())
    source = find_source(place, attempt, served.version, Init())
    try:
        inspection = inspect_files(source.files, source.options.signature)
        named = told_by(read_saved_training(inspection, source.files).config).loss
    except FileRefused:
        named = None
    return loss_by_form(served.question) if named is None else loss_of(named.model_dump())


def _told(stored: StoredEvaluation) -> Json:
    return score_summary(
        {
            "version": stored.version, "dataset": stored.dataset,
            "data_sha256": stored.data_sha256, "rows": stored.rows, "metrics": stored.metrics,
            "scores": stored.scores, "confusion": [list(row) for row in stored.confusion],
        }
    )  # fmt: skip
