"""Each callback proved by its effect, and fits that were interrupted by those that were not."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.base.strict_json import Json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROGRAM = "tests.training.fits"
QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", PROGRAM, *arguments], env=QUIET, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What all the fits of the program have come to."""
    folder = tmp_path_factory.mktemp("fits")
    ended = run_program(str(folder))
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: Json = json.loads((folder / "told.json").read_text())
    return found


def losses(fit: Json) -> list[float]:
    return [record["metrics"]["val_loss"] for record in fit["history"]]


@pytest.mark.parametrize("style", ["cp.ckpt", "best.hdf5", "best.keras"])
def test_the_best_checkpoint_is_what_the_model_ends_with(fits: Json, style: str) -> None:
    fit = fits["best_checkpoint"][style]
    best = losses(fit).index(min(losses(fit))) + 1

    assert fit["epochs_run"] == 10
    assert best < 10  # else the last epoch would do as well
    assert fit["best_epoch"] == fit["weights_epoch"] == best
    assert fit["digest"] == fit["of_that_epoch"]


def test_it_says_how_a_checkpoint_is_called(fits: Json) -> None:
    fit = fits["best_checkpoint"]["cp.ckpt"]

    assert fit["notes"][0] == "ModelCheckpoint: cp.ckpt is kept as cp.weights.h5"
    assert "checkpoints/cp.weights.h5" in fit["files"]
    assert "checkpoints/10.weights.h5" in fit["files"]


def stops_at(losses: list[float], patience: int, min_delta: float) -> tuple[int, int]:
    """The epoch after which Keras' documentation has it stop, and the best before."""
    best, best_at = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best - min_delta:
            best, best_at = loss, epoch
        elif epoch - best_at >= patience:
            return epoch, best_at
    return len(losses), best_at


@pytest.mark.parametrize("restored", [True, False], ids=str)
def test_early_stopping_ends_at_the_right_epoch(fits: Json, restored: bool) -> None:
    fit = fits["early_stopping"][str(restored)]
    stop, best = stops_at(losses(fit), 2, 0.001)

    assert fit["epochs_run"] == stop < 40
    assert fit["best_epoch"] == best
    assert fit["weights_epoch"] == (best if restored else stop)
    assert fit["digest"] == fit["of_that_epoch"]
    assert fit["stopped_by"] == "EarlyStopping"
    assert fit["stopped_why"] == (
        f"val_loss didn't get better for 2 epochs; it was best in epoch {best}"
    )


COSINE = [0.5 * (1 + math.cos(math.pi * epoch / 4)) for epoch in range(4)]
RATES = {
    "table": [0.1, 0.1, 0.01, 0.01, 0.001, 0.001],
    "step": [0.05, 0.05, 0.025, 0.025, 0.0125, 0.0125],
    "exponential": [0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625],
    "cosine": [0.05 / 3, 0.1 / 3, *(0.05 * (0.9 * wave + 0.1) for wave in COSINE)],
}


@pytest.mark.parametrize("kind", sorted(RATES))
def test_each_epoch_has_the_learning_rate_that_was_scheduled(fits: Json, kind: str) -> None:
    fit = fits["learning_rates"][kind]
    expected = pytest.approx(RATES[kind], rel=1e-6)

    assert fit["rates"] == expected
    assert fit["evented"] == expected
    assert fit["table"] == expected
    assert [step for step, _ in fit["tensorboard"]] == list(range(6))
    assert [rate for _, rate in fit["tensorboard"]] == expected


def test_a_plateau_lowers_the_rate_of_the_epochs_after_it(fits: Json) -> None:
    fit = fits["plateau"]
    rate, best, wait, cooldown, expected = 0.1, math.inf, 0, 0, []
    for loss in losses(fit):  # patience 2, factor 0.1, min_delta 0.01, cooldown 1, min_lr 0.0005
        expected.append(rate)
        if cooldown:
            cooldown, wait = cooldown - 1, 0
        if loss < best - 0.01:
            best, wait = loss, 0
        elif not cooldown:
            wait += 1
            if wait >= 2:
                rate, cooldown, wait = max(rate * 0.1, 0.0005), 1, 0

    assert fit["rates"] == pytest.approx(expected, rel=1e-5)
    assert fit["rates"][-1] == 0.0005
    assert [each for _, each in fit["tensorboard"]] == pytest.approx(expected, rel=1e-5)


def test_a_loss_that_is_no_number_ends_it_and_the_best_epoch_remains(fits: Json) -> None:
    fit = fits["not_a_number"]

    assert fit["stopped_by"] == "TerminateOnNaN"
    assert fit["stopped_why"].startswith("the loss was no finite number in epoch 2, batch ")
    assert fit["history"][-1]["metrics"]["loss"] is None
    assert fit["weights_epoch"] == fit["best_epoch"] == 1
    borne = fit["borne"]  # without TerminateOnNaN
    assert borne["stopped_by"] == "EarlyStopping"
    assert borne["progress"][0]["best_epoch"] == borne["best_epoch"]


def test_a_model_without_a_finite_weight_is_no_candidate(fits: Json) -> None:
    lost = fits["not_a_number"]["lost"]

    assert lost.startswith("Training has come to nothing: the loss was no finite number in epoch 2")
    assert "Lower compile.learning_rate" in lost
    assert fits["not_a_number"]["again"] == lost  # and a later attempt says the same


@pytest.mark.parametrize("kind", ["dense", "recurrent"])
def test_an_interrupted_fit_ends_with_the_same_weights_to_the_last_bit(
    fits: Json, kind: str
) -> None:
    whole, broken = fits["resumed"][kind]["whole"], fits["resumed"][kind]["broken"]

    assert any(fit["resumed_at"] for fit in broken)
    for fit in broken:
        same = {name for name in SAME if fit[name] == whole[name]}
        assert same == SAME, (fit["stops"], SAME - same)
        assert told_of(fit) == told_of(whole), fit["stops"]


SAME = {
    "digest", "rates", "epochs_run", "best_epoch", "weights_epoch", "stopped_by", "stopped_why",
    "files", "csv", "tensorboard", "validated",
}  # fmt: skip


def told_of(fit: Json) -> list[Json]:
    """Every metric of every epoch."""
    return [record["metrics"] for record in fit["history"]]


def test_the_interrupted_fits_had_everything_to_forget(fits: Json) -> None:
    whole = fits["resumed"]["dense"]["whole"]

    assert whole["stopped_by"] == "EarlyStopping"
    assert whole["weights_epoch"] == whole["best_epoch"] < whole["epochs_run"] < 14
    assert whole["rates"][-1] < whole["rates"][0]
    assert [step for step, _ in whole["tensorboard"]] == list(range(whole["epochs_run"]))
    assert len(whole["csv"].splitlines()) == whole["epochs_run"] + 1


def test_a_killed_process_is_followed_by_one_that_ends_alike(fits: Json, tmp_path: Path) -> None:
    killed = run_program(str(tmp_path), "25")
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
    assert not (tmp_path / "told.json").exists()

    ended = run_program(str(tmp_path), "0")

    assert ended.returncode == 0, ended.stderr[-3000:]
    fit = json.loads((tmp_path / "told.json").read_text())
    whole = fits["resumed"]["dense"]["whole"]
    assert fit["events"][0] == ["resumed", fit["resumed_at"][0]]
    assert fit["resumed_at"][0] > 1
    assert {name for name in SAME if fit[name] != whole[name]} == set()


def test_a_cancelled_job_ends_at_the_next_batch(fits: Json) -> None:
    assert fits["stopping"]["said"] == "job job: it was cancelled"
    assert fits["stopping"]["questions"] == 9


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown", "EarlyStopping monitors val_f1, which isn't there: this fit has accuracy, "),
        ("direction", "isn't able to automatically determine whether that metric should be max"),
        ("unvalidated", "there are no rows to validate with, see data.split.validation"),
        ("path", "ModelCheckpoint's filepath {val_f1:.2f}.h5 has {val_f1}, which isn't there"),
        ("rate", "the file's optimizer has a schedule of its own; give compile.optimizer"),
        ("shape", "expected axis -1 of input shape to have value 6, but received input with "),
        ("weights", "class_weight names cow; expected some of 0, 1"),
    ],
)
def test_what_can_not_be_had_is_said_before_the_first_epoch(
    fits: Json, name: str, said: str
) -> None:
    assert said in fits["refusals"][name]


def test_an_epoch_that_was_not_validated_is_never_the_best(fits: Json) -> None:
    fit = fits["sometimes_validated"]

    assert fit["files"] == [f"checkpoints/{epoch}.keras" for epoch in (2, 4, 6)]
    assert fit["weights_epoch"] % 2 == 0
    assert "TensorBoard: profile_batch has no effect" in fit["notes"]
    assert [("val_loss" in record["metrics"]) for record in fit["history"]] == [False, True] * 3


def test_it_tells_how_far_it_is_and_that_each_epoch_is_kept(fits: Json) -> None:
    fit = fits["sometimes_validated"]

    last = fit["progress"][0]
    assert (last["epoch"], last["epochs"], last["batch"], last["eta_s"]) == (6, 6, 6, 0.0)
    assert set(last["metrics"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert fit["events"] == [["epoch", epoch] for epoch in range(1, 7)]
    assert fit["saves"] == 6


def test_batches_are_told_once_a_second_with_the_time_that_is_left(fits: Json) -> None:
    told = fits["telling"]["told"]

    assert [each["batch"] for each in told] == list(range(10, 101, 10))
    assert [each["eta_s"] for each in told] == pytest.approx(
        [20 - seconds for seconds in range(1, 11)], abs=0.2
    )
    assert told[0]["metrics"] == {"loss": 0.5}
    assert told[0]["best_epoch"] is None


def test_within_an_epoch_the_last_validation_is_still_told(fits: Json) -> None:
    later = fits["telling"]["later"]

    assert later["metrics"] == {"val_loss": 0.7, "loss": 0.5}
    assert later["best_epoch"] == 1


def test_who_may_write_no_more_tells_nothing_of_an_epoch(fits: Json) -> None:
    assert "attempt 1" in fits["superseded"]["said"]
    assert fits["superseded"]["table"] == ""


@pytest.mark.parametrize("style", ["best.h5", "best.keras", "best.weights.h5"])
def test_a_full_disk_at_a_checkpoint_is_said_and_breaks_nothing(fits: Json, style: str) -> None:
    said = fits["full_disk"][style]

    assert said == f"There is no room in the jobs' folder for the checkpoint {style} of epoch 1"
    assert fits["full_disk"]["left"] == []


def test_a_full_disk_at_a_backup_is_said(fits: Json) -> None:
    assert fits["full_disk"]["backup"].startswith("There is no room in the jobs' folder")


def test_the_names_of_the_recipe_are_those_of_keras(fits: Json) -> None:
    assert fits["catalogue"]["wrong"] == []


@pytest.mark.parametrize(
    "kind",
    [
        "balanced", "binary", "hinge", "multilabel", "one-hot", "regression",
        "row and class weights", "row weights", "sparse",
    ],
)  # fmt: skip
def test_labels_and_weights_mean_what_they_mean_to_keras(fits: Json, kind: str) -> None:
    found = fits["labels_of_every_kind"][kind]

    assert found["ours"] == pytest.approx(found["keras"], rel=1e-5)
    assert found["accuracy"] == pytest.approx(found["keras_accuracy"], rel=1e-5)


def test_several_inputs_go_to_the_model_in_its_own_form(fits: Json) -> None:
    found = fits["labels_of_every_kind"]["several inputs"]

    assert found["list"] == found["dict"]
    assert found["list"][-1] < found["list"][0]
