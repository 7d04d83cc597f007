"""What a scrape tells of versions, out of views that are put together by hand."""

from dataclasses import replace
from typing import Any, cast

from service.repository.model_config import ModelConfig
from service.repository.policy import settle
from service.repository.route import Canary, Route
from service.repository.states import Held, Loading, State, VersionRow, WorkerRecord
from service.runtime.slot import Slot
from service.web.collector import ModelCollector
from service.web.model_view import ModelView
from service.web.served import ServedVersion

A, B, C = "a" * 64, "b" * 64, "c" * 64
ROWS = [
    VersionRow("m", 1, State.READY, artefact=A),
    VersionRow("m", 2, State.READY, artefact=B),
    VersionRow("m", 3, State.FAILED, "no"),
]
ROUTE = Route("m", revision=7, current=1, is_pinned=True, labels={"candidate": 2, "eu": 2})


def view(route: Route = ROUTE, rows: list[VersionRow] | None = None, **fields: Any) -> ModelView:
    return ModelView(settle(rows or ROWS, {"m": route}), routes={"m": route}, **fields)


def series(taken: ModelView, name: str, *beside: Any) -> dict[tuple[str, ...], float]:
    """The values of one family by its labels, without the model's name."""
    return {
        tuple(value for key, value in sample.labels.items() if key != "model"): sample.value
        for family in ModelCollector(taken, *beside).collect()
        for sample in family.samples
        if sample.name == name
    }


def families(taken: ModelView) -> set[str]:
    return {family.name for family in ModelCollector(taken).collect()}


def _worker(name: str, rows: list[VersionRow], *states: Loading) -> WorkerRecord:
    held = [
        Held(row.model, row.version, row.identity, state)
        for row, state in zip(rows, states, strict=False)
    ]
    return WorkerRecord(name, tuple(held))


def test_a_version_is_in_one_state_and_told_with_its_labels() -> None:
    taken = view()

    assert series(taken, "kerasd_model_state") == {
        ("1", "READY"): 1,
        ("2", "READY"): 1,
        ("3", "FAILED"): 1,
    }
    assert series(taken, "kerasd_model_info", {A: ("h5", "2.4.0")}) == {
        ("1", A, "h5", "2.4.0", "stable"): 1,
        ("2", B, "", "", "candidate,eu"): 1,
        ("3", "", "", "", ""): 1,
    }
    assert series(taken, "kerasd_model_label") == {
        ("1", "stable"): 1,
        ("2", "candidate"): 1,
        ("2", "eu"): 1,
    }
    assert series(taken, "kerasd_model_current") == {("1",): 1}
    assert series(taken, "kerasd_model_route_revision") == {(): 7}


def test_what_is_retired_has_a_state_and_nothing_else() -> None:
    taken = view(replace(ROUTE, current=2, labels={}, retired=(1,)))

    assert series(taken, "kerasd_model_state")["1", "RETIRED"] == 1
    assert [version for version, *_ in series(taken, "kerasd_model_info")] == ["2", "3"]
    assert [version for (version,) in series(taken, "kerasd_model_ready")] == ["2", "3"]


def test_a_version_is_ready_when_every_worker_answers_for_it() -> None:
    rows = view().rows
    workers = [
        _worker("one", rows, Loading.LOADED, Loading.LOADED),
        _worker("two", rows, Loading.COLD, Loading.RETRYING),
        _worker("three", rows, Loading.LOADED),
    ]

    taken = view(workers=workers)

    assert series(taken, "kerasd_model_ready") == {("1",): 1, ("2",): 0, ("3",): 0}
    assert series(taken, "kerasd_model_workers") == {
        ("1", "COLD"): 1,
        ("1", "LOADED"): 2,
        ("2", "LOADED"): 1,
        ("2", "LOADING"): 1,
        ("2", "RETRYING"): 1,
    }


def test_one_that_is_loaded_in_another_form_is_not_ready() -> None:
    rows = view().rows
    older = [replace(row, generation=1) for row in rows]
    workers = [_worker("one", older, Loading.LOADED, Loading.LOADED)]

    assert series(view(workers=workers), "kerasd_model_ready")[("1",)] == 0


def test_an_unloaded_model_is_not_missed() -> None:
    taken = view(replace(ROUTE, is_unloaded=True))

    assert series(taken, "kerasd_model_ready") == {("3",): 0}
    assert series(taken, "kerasd_model_current") == {}
    assert series(taken, "kerasd_model_workers") == {}


def test_the_arms_share_the_requests() -> None:
    name = "kerasd_model_traffic_percent"
    canary = Canary("candidate", 2.5)

    assert series(view(), name) == {("1", "current"): 100}
    assert series(view(replace(ROUTE, canary=canary, shadow="eu")), name) == {
        ("2", "canary"): 2.5,
        ("1", "current"): 97.5,
        ("2", "shadow"): 97.5,
    }
    assert series(view(replace(ROUTE, shadow="candidate")), name)["2", "shadow"] == 100
    assert series(view(replace(ROUTE, canary=canary, labels={})), name) == {("1", "current"): 100}


def test_labels_of_the_model_file_are_told_as_well() -> None:
    config = ModelConfig(version_labels={"nightly": 2})
    rows = [replace(row, config=config) for row in ROWS]

    assert ("2", "nightly") in series(view(rows=rows), "kerasd_model_label")


def test_swaps_are_told_by_their_reason() -> None:
    moves = {("m", "promote"): 3, ("m", "rollback"): 1}

    told = series(view(), "kerasd_model_swaps_total", None, moves)

    assert told == {("promote",): 3, ("rollback",): 1}


def test_when_this_worker_has_loaded_what() -> None:
    slot = Slot("m", 2, "identity", cast("ServedVersion", object()), loaded_at=12.5)
    taken = replace(view(), loaded={("m", 2): slot})

    assert series(taken, "kerasd_model_last_load_timestamp_seconds") == {("2",): 12.5}


def test_what_only_the_database_knows_is_left_out_while_it_is_away() -> None:
    """An alert on a pointer that is gone is right; one that says 100 % of a canary's is not."""
    away = view(is_whole=False)

    assert families(view()) - families(away) == {
        "kerasd_model_current",
        "kerasd_model_info",
        "kerasd_model_label",
        "kerasd_model_ready",
        "kerasd_model_route_revision",
        "kerasd_model_traffic_percent",
        "kerasd_model_workers",
    }
    assert families(away) == {
        "kerasd_build_info",
        "kerasd_model_last_load_timestamp_seconds",
        "kerasd_model_state",
    }
    assert "kerasd_model_swaps" not in families(view()), "not counted is not none"
