"""Learning rates by epoch: each kind by its own formula, and the warm-up before it."""

import math
from typing import Any

import pytest

from service.recipe.schedule import rate_at, schedule_in_few_words

OWN, EPOCHS = 0.1, 8


def rates(given: Any) -> list[float]:
    schedule = schedule_in_few_words(given)
    return [rate_at(schedule, epoch, OWN, EPOCHS) for epoch in range(EPOCHS)]


def test_a_table_holds_from_each_epoch_on() -> None:
    assert rates({"2": 0.01, "5": 0.001}) == [OWN, OWN, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001]


def test_a_step_drops_every_so_many_epochs() -> None:
    given = {"kind": "step", "initial_learning_rate": 0.8, "drop": 0.5, "epochs_drop": 3}

    assert rates(given) == pytest.approx([0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2])


def test_an_exponential_decays_as_keras_writes_it() -> None:
    smooth = {"kind": "exponential", "decay_rate": 0.9, "decay_epochs": 2}

    assert rates(smooth) == pytest.approx([OWN * 0.9 ** (epoch / 2) for epoch in range(8)])
    assert rates({**smooth, "staircase": True}) == pytest.approx(
        [OWN * 0.9 ** (epoch // 2) for epoch in range(8)]
    )


def test_a_cosine_goes_down_over_the_whole_fit() -> None:
    waves = [0.5 * (1 + math.cos(math.pi * epoch / EPOCHS)) for epoch in range(EPOCHS)]

    assert rates({"kind": "cosine"}) == pytest.approx([OWN * wave for wave in waves])
    assert rates({"kind": "cosine", "decay_epochs": 2, "alpha": 0.1})[2:] == pytest.approx(
        [0.1 * OWN] * 6
    )


def test_a_warm_up_leads_to_the_first_rate_in_a_straight_line() -> None:
    given = {"kind": "step", "drop": 0.5, "epochs_drop": 2, "warmup_epochs": 3}

    assert rates(given) == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.05, 0.05, 0.025])


def test_a_warm_up_leaves_the_rest_of_the_fit_to_the_cosine() -> None:
    found = rates({"kind": "cosine", "warmup_epochs": 4, "warmup_from": 0.05})

    assert found[:4] == pytest.approx([0.06, 0.07, 0.08, 0.09])
    assert found[4:] == pytest.approx(
        [OWN * 0.5 * (1 + math.cos(math.pi * epoch / 4)) for epoch in range(4)]
    )
