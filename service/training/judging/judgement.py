"""The gate's verdict on a candidate, reached once for a job and kept."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from service.base.refusals import DataRefused
from service.base.strict_json import Json
from service.jobs.attempt import Attempt
from service.quality.keras_losses import loss_of
from service.recipe.data import DataRequest, FromFeedback, LabelledData
from service.recipe.retrain import RetrainRequest
from service.repository.model_config import ModelConfig
from service.training.data.rows import Rows, TrainingData
from service.training.fit.trained import Trained, first_rows
from service.training.inference import Inference, run_rows
from service.training.judging.answers import Question, loss_by_form, question_of
from service.training.judging.trial import CANDIDATE, Contestant, Trial, are_comparable
from service.training.kept import keep, read_kept
from service.training.model.new_task import config_under
from service.training.publication.compiled_candidate import check_answers
from service.training.sources import find_served
from service.training.workplace import Workplace

VERDICT = "verdict.json"
LIVE_FOLDER = "live"
LIVE_ROWS = 5000
BATCH_ROWS = 256
OF_FEEDBACK = "the held-out rows are labelled predictions themselves"

FindLive = Callable[[LabelledData, Path], Rows]


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate before the gate: whose request, where it lies compiled, and its challenger.

    `champion` is the version that was current when the job began.
    """

    request: RetrainRequest
    model: str
    config: ModelConfig
    trained: Trained
    compiled: Path
    champion: int | None


def read_verdict(folder: Path) -> Json | None:
    """What an earlier attempt has come to; none if none has."""
    return read_kept(folder / VERDICT)


def reach_verdict(
    case: Case, data: TrainingData, find_live: FindLive, place: Workplace, attempt: Attempt
) -> Json:
    """Measure, judge, and keep the record: `verdict`, `measured`, `champion`.

    `find_live` gathers labelled predictions, or raises DataRefused. Raises TrainingRefused,
    CompileFailed, ModelNotReady, Cancelled, Superseded.
    """
    with ExitStack() as stack:
        candidate = _candidate(case, stack.enter_context(Inference(case.compiled, place.threads)))
        _check_as_trained(candidate, case.trained, data, attempt)
        champion, why_none = _champion(case, candidate, place, attempt, stack)
        trial = Trial(attempt, BATCH_ROWS, _loss(case.trained, candidate.question))
        live: Rows | str = "" if champion is None else _live(case, find_live, attempt.folder)
        verdict, measured = trial.hold(case.request.gate, candidate, champion, data.held_out, live)
        if len(data.validation):
            measured.append(trial.measure(candidate, data.validation, "validation"))
    record = {
        "verdict": verdict.as_json(),
        "measured": [one.as_json() for one in measured],
        "champion": {"version": case.champion, "compared": champion is not None, "why": why_none},
        "form": candidate.question.form,
    }
    attempt.check()
    return keep(attempt.folder / VERDICT, record)


def _candidate(case: Case, inference: Inference) -> Contestant:
    name = f"the candidate of model {case.model}"
    head = case.request.init.replace_head
    question = question_of(config_under(head, case.config), inference.compiled.signature, name)
    if head is not None and head.labels:
        question = replace(question, labels=head.labels)
    return Contestant(CANDIDATE, inference, question)


def _check_as_trained(
    candidate: Contestant, trained: Trained, data: TrainingData, attempt: Attempt
) -> None:
    rows = first_rows(data)
    answers = run_rows(candidate.inference, rows.inputs, len(rows), attempt, lambda _: None)
    check_answers(next(iter(sorted(trained.candidate.files))), trained.expected, answers)


def _champion(
    case: Case, candidate: Contestant, place: Workplace, attempt: Attempt, stack: ExitStack
) -> tuple[Contestant | None, str]:
    """The champion, or why there is none to compare with."""
    if case.champion is None:
        return None, "no version of the model is current"
    served = find_served(place, attempt, case.champion)
    inference = stack.enter_context(Inference(served.folder, place.threads))
    question: Question = served.question
    if case.request.init.replace_head is None:
        question = replace(question, labels=candidate.question.labels)
    champion = Contestant(case.champion, inference, question)
    if are_comparable(candidate, champion):
        return champion, ""
    return None, f"version {case.champion} takes other inputs or answers another question"


def _live(case: Case, find_live: FindLive, folder: Path) -> Rows | str:
    """The latest labelled predictions, or why there are none to go by."""
    if not case.request.gate.feedback:
        return ""
    asked = latest_asked(case.request.data)
    if asked is None:
        return OF_FEEDBACK
    try:
        return find_live(asked, folder / LIVE_FOLDER)
    except DataRefused as error:
        return f"no labelled predictions to go by: {error}"


def latest_asked(data: DataRequest) -> LabelledData | None:
    """The latest labelled predictions that no part of the data can have; none where it has all.

    `until` may be so long before now: then it is later here than it was for the data.
    """
    window = data.from_feedback
    if window is not None and not window.until:
        return None
    since = "" if window is None else window.until
    return LabelledData(from_feedback=FromFeedback(since=since, limit=LIVE_ROWS))


def _loss(trained: Trained, question: Question) -> Any:
    """The loss that the model was trained with, where it is one that can be told without Keras."""
    compiled = trained.record["prepared"].get("compile", {}).get("loss")
    return loss_by_form(question) if compiled is None else loss_of(compiled)
