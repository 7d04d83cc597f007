"""Which version of a model is served."""

from service.repository.policy import (
    choose_served,
    unloaded_models,
    waiting_models,
    with_wishes,
)
from service.repository.states import State, VersionRow, Wish


def test_the_highest_ready_version_is_served() -> None:
    rows = [
        VersionRow("digits", 2, State.READY),
        VersionRow("digits", 10, State.READY),
        VersionRow("digits", 9, State.READY),
    ]

    assert choose_served(rows) == {"digits": 10}


def test_a_newer_version_takes_over_only_once_it_is_ready() -> None:
    old = VersionRow("digits", 1, State.READY)

    for state in (State.DISCOVERED, State.COMPILING, State.FAILED, State.RETIRED):
        assert choose_served([old, VersionRow("digits", 2, state)]) == {"digits": 1}


def test_a_model_without_a_ready_version_is_not_served() -> None:
    assert choose_served([VersionRow("digits", 1, State.FAILED)]) == {}
    assert choose_served([]) == {}


def test_models_do_not_mix() -> None:
    rows = [VersionRow("a", 1, State.READY), VersionRow("b", 7, State.READY)]

    assert choose_served(iter(rows)) == {"a": 1, "b": 7}


def test_a_model_is_waited_for_while_its_first_version_is_on_its_way() -> None:
    rows = [
        VersionRow("new", 1, State.COMPILING),
        VersionRow("seen", 1, State.DISCOVERED),
        VersionRow("broken", 1, State.FAILED),
        VersionRow("gone", 1, State.RETIRED),
    ]

    assert waiting_models(iter(rows)) == {"new", "seen"}


def test_a_model_that_answers_already_is_not_waited_for() -> None:
    rows = [VersionRow("digits", 1, State.READY), VersionRow("digits", 2, State.COMPILING)]

    assert waiting_models(rows) == set()


def test_an_unloaded_model_is_not_served_whatever_was_chosen() -> None:
    rows = [
        VersionRow("off", 1, State.FAILED, "damaged"),
        VersionRow("off", 2, State.READY, served=True),
        VersionRow("on", 1, State.READY, served=True),
    ]

    assert with_wishes(rows, {"off"}) == [
        rows[0],
        VersionRow("off", 2, State.READY, "unloaded", served=False),
        rows[2],
    ]


def test_only_the_last_wish_counts() -> None:
    wishes = {"off": Wish("off", True, 4), "on": Wish("on", False, 9)}

    assert unloaded_models(wishes) == {"off"}
