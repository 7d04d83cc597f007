"""Fits one upon the other, and those that end at an awkward moment."""

import json
import os
import subprocess
import sys

import pytest

from service.base.strict_json import Json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What all the fits of the program have come to."""
    folder = tmp_path_factory.mktemp("fits")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.training.fits_again", str(folder)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: Json = json.loads((folder / "told.json").read_text())
    return found


@pytest.mark.parametrize("name", ["cosine", "plateau", "best"])
def test_the_learning_rate_does_not_wear_out_from_one_retrain_to_the_next(
    fits: Json, name: str
) -> None:
    first, second = fits["upon_another"][name]

    assert first[-1] < first[0]
    assert second == first


def test_each_epoch_is_told_once_by_a_fit_that_was_cut_off_before_it_was_kept(fits: Json) -> None:
    found = fits["cut_off"]

    assert [step for step, _ in found["before"]["tensorboard"]] == [0, 1, 2]
    assert found["cut off"] == found["whole"]


def test_the_epochs_that_are_listed_are_validated(fits: Json) -> None:
    assert fits["validated_in_some"]["epochs"] == [1, 4]


def test_a_model_whose_answers_have_no_axis_of_their_own_learns(fits: Json) -> None:
    found = fits["without_an_axis"]

    assert found["output"] == [None]
    assert found["told"] == pytest.approx(found["true"])
    assert found["true"] > 0.5
