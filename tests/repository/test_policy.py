"""Which versions are loaded, which one answers, and when the pointer moves."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.repository.model_config import Latest, ModelConfig, Specific, VersionPolicy
from service.repository.policy import (
    canary_of,
    config_of,
    current_of,
    labels_of,
    settle,
    shadow_of,
    unloaded_models,
    waiting_models,
)
from service.repository.route import Canary, Route
from service.repository.states import State, VersionRow

READY = State.READY


def rows(
    states: Mapping[int, State],
    policy: VersionPolicy = Latest(latest=1),  # noqa: B008 (frozen)
    labels: dict[str, int] | None = None,
) -> list[VersionRow]:
    config = ModelConfig(version_policy=policy, version_labels=labels or {})
    return [
        VersionRow("m", v, state, artefact=f"a{v}", config=config) for v, state in states.items()
    ]


def ready(*versions: int, policy: VersionPolicy = Latest(latest=1)) -> list[VersionRow]:  # noqa: B008
    return rows(dict.fromkeys(versions, READY), policy)


def settled(recorded: list[VersionRow], route: Route) -> list[VersionRow]:
    return settle(recorded, {route.model: route})


def served(recorded: list[VersionRow], route: Route) -> set[int]:
    return {row.version for row in settled(recorded, route) if row.served}


class TestWithoutAnyDecision:
    def test_the_highest_ready_version_is_served_and_current(self) -> None:
        after = settle(ready(2, 10, 9), {})
        assert [(row.version, row.served, row.current) for row in after] == [
            (2, False, False),
            (10, True, True),
            (9, False, False),
        ]

    @pytest.mark.parametrize("state", [state for state in State if state is not READY])
    def test_a_newer_version_counts_only_once_it_is_ready(self, state: State) -> None:
        assert current_of(settle(rows({1: READY, 2: state}), {})) == 1

    def test_a_model_without_a_ready_version_has_none(self) -> None:
        assert current_of(settle(rows({1: State.FAILED}), {})) is None
        assert settle([], {}) == []

    def test_models_do_not_mix(self) -> None:
        two = [VersionRow("a", 1, READY), VersionRow("b", 7, READY), VersionRow("a", 3, READY)]
        after = settle(two, {"b": Route("b", is_unloaded=True)})
        assert {(row.model, row.version) for row in after if row.current} == {("a", 3)}


class TestPolicies:
    @pytest.mark.parametrize(
        ("policy", "expected"),
        [
            (Latest(latest=1), {4}),
            (Latest(latest=2), {3, 4}),
            (Latest(latest=9), {1, 2, 3, 4}),
            ("all", {1, 2, 3, 4}),
            (Specific(specific=(1, 3)), {1, 3}),
            (Specific(specific=(3, 99)), {3}),
        ],
    )
    def test_what_is_served(self, policy: VersionPolicy, expected: set[int]) -> None:
        recorded = ready(1, 2, 3, 4, policy=policy)
        assert served(recorded, Route("m")) == expected
        assert current_of(settle(recorded, {})) == max(expected)

    def test_none_of_the_specific_ones_is_ready(self) -> None:
        recorded = ready(1, policy=Specific(specific=(5,)))
        assert served(recorded, Route("m")) == set()
        assert served(recorded, Route("m", current=1)) == {1}, "what answers goes on"


class TestDecisions:
    def test_what_was_promoted_stays_current_beside_what_the_policy_loads(self) -> None:
        route = Route("m", current=1, is_pinned=True)
        assert served(ready(1, 2, 3), route) == {1, 3}
        assert current_of(settled(ready(1, 2, 3), route)) == 1

    @pytest.mark.parametrize("state", [State.FAILED, State.RETIRED, State.COMPILING])
    def test_another_stands_in_for_a_current_version_that_is_gone(self, state: State) -> None:
        route = Route("m", current=3, is_pinned=True)
        assert current_of(settled(rows({1: READY, 2: READY, 3: state}), route)) == 2

    def test_labelled_and_prepared_versions_are_served(self) -> None:
        route = Route("m", labels={"candidate": 2}, preparing=((1, "h/1:1:1"), (8, "h/1:1:1")))
        assert served(ready(1, 2, 3, 4), route) == {1, 2, 4}

    def test_labels_of_model_yaml_are_served_and_win(self) -> None:
        recorded = rows({1: READY, 2: READY, 3: READY}, labels={"candidate": 1})
        route = Route("m", labels={"candidate": 2, "old": 2})
        assert served(recorded, route) == {1, 2, 3}
        assert labels_of(settled(recorded, route), route) == {
            "candidate": 1, "old": 2, "stable": 3,
        }  # fmt: skip

    def test_an_unloaded_model_serves_nothing_and_says_why(self) -> None:
        route = Route("m", is_unloaded=True, current=2, labels={"x": 1})
        after = settled(rows({1: READY, 2: READY, 3: State.FAILED}), route)
        assert not any(row.served or row.current for row in after)
        assert [row.reason for row in after] == ["unloaded", "unloaded", ""]
        assert unloaded_models({"m": route, "n": Route("n")}) == {"m"}

    def test_a_retired_version_is_like_one_without_files(self) -> None:
        after = settled(ready(1, 2), Route("m", retired=(2,), labels={"x": 2}))
        assert [(row.state, row.served) for row in after] == [
            (READY, True),
            (State.RETIRED, False),
        ]
        assert after[1].reason == "retired"

    def test_a_new_generation_has_everything_loaded_anew(self) -> None:
        first = settled(ready(1), Route("m"))[0]
        again = settled(ready(1), Route("m", generation=1))[0]
        assert first.identity != again.identity

    def test_which_versions_are_loaded_does_not_have_them_loaded_anew(self) -> None:
        more = settle(ready(1, policy="all"), {})[0]
        assert more.identity == settle(ready(1), {})[0].identity


class TestLabels:
    def test_stable_is_the_current_version_unless_model_yaml_says_otherwise(self) -> None:
        route = Route("m", current=1, is_pinned=True, labels={"stable": 2})
        assert labels_of(settled(ready(1, 2), route), route) == {"stable": 1}
        told = rows({1: READY, 2: READY}, labels={"stable": 2})
        assert labels_of(settled(told, route), route) == {"stable": 2}

    def test_without_a_current_version_nothing_is_stable(self) -> None:
        route = Route("m", labels={"next": 1})
        assert labels_of(settled(rows({1: State.FAILED}), route), route) == {"next": 1}

    def test_the_newest_ready_version_knows_model_yaml_best(self) -> None:
        old = rows({1: READY}, labels={"x": 1})
        new = rows({2: READY}, labels={"x": 2})
        coming = rows({3: State.COMPILING}, labels={"x": 3})
        assert labels_of(settle(old + new + coming, {}), Route("m"))["x"] == 2

    @pytest.mark.parametrize(
        ("states", "best"),
        [
            ({1: READY, 2: READY, 3: State.RETIRED}, 2),
            ({1: READY, 2: State.FAILED}, 1),
            ({1: State.FAILED, 2: State.FAILED, 3: State.RETIRED}, 2),
            ({1: State.RETIRED, 2: State.RETIRED}, 2),
        ],
    )
    def test_a_version_that_is_gone_knows_it_least(
        self, states: dict[int, State], best: int
    ) -> None:
        known = [replace(row, config=ModelConfig(max_rows=row.version)) for row in rows(states)]
        assert config_of(known).max_rows == best
        assert config_of([]) == ModelConfig()


class TestTraffic:
    ROUTE = Route(
        "m", current=2, is_pinned=True, labels={"next": 3, "off": 1},
        canary=Canary("next", 5), shadow="next", retired=(1,),
    )  # fmt: skip

    def test_a_share_goes_to_the_version_of_the_label(self) -> None:
        after = settled(ready(1, 2, 3), self.ROUTE)
        assert canary_of(after, self.ROUTE) == (3, Canary("next", 5))
        assert shadow_of(after, self.ROUTE) == 3

    @pytest.mark.parametrize("label", ["off", "unknown", "stable"])
    def test_none_goes_where_nothing_else_answers(self, label: str) -> None:
        route = replace(self.ROUTE, canary=Canary(label, 5), shadow=label)
        after = settled(ready(1, 2, 3), route)
        assert canary_of(after, route) is None
        assert shadow_of(after, route) is None

    def test_a_promoted_candidate_gets_everything_and_no_share(self) -> None:
        route = replace(self.ROUTE, current=3)
        assert canary_of(settled(ready(1, 2, 3), route), route) is None

    def test_without_a_canary_there_is_none(self) -> None:
        after = settled(ready(1, 2), Route("m"))
        assert (canary_of(after, Route("m")), shadow_of(after, Route("m"))) == (None, None)


def test_a_model_is_waited_for_while_its_first_version_is_on_its_way() -> None:
    waiting = [
        VersionRow("new", 1, State.COMPILING),
        VersionRow("seen", 1, State.DISCOVERED),
        VersionRow("broken", 1, State.FAILED),
        VersionRow("gone", 1, State.RETIRED),
        VersionRow("digits", 1, State.READY),
        VersionRow("digits", 2, State.COMPILING),
    ]
    assert waiting_models(iter(waiting)) == {"new", "seen"}


VERSIONS = st.integers(1, 6)
POLICIES = st.one_of(
    st.just("all"),
    st.builds(Latest, latest=VERSIONS),
    st.builds(Specific, specific=st.lists(VERSIONS, min_size=1, max_size=3).map(tuple)),
)
LABELS = st.dictionaries(st.sampled_from(["stable", "a", "b"]), VERSIONS)
ROUTES = st.builds(
    Route,
    model=st.just("m"),
    is_unloaded=st.booleans(),
    current=st.none() | VERSIONS,
    is_pinned=st.booleans(),
    labels=LABELS,
    canary=st.none() | st.builds(Canary, st.sampled_from(["stable", "a", "b"]), st.just(5.0)),
    shadow=st.sampled_from(["", "stable", "a"]),
    preparing=st.lists(st.tuples(VERSIONS, st.just("h/1:1:1")), max_size=2).map(tuple),
    retired=st.lists(VERSIONS, max_size=2).map(tuple),
)


@given(st.dictionaries(VERSIONS, st.sampled_from(State)), POLICIES, LABELS, ROUTES)
def test_what_always_holds(
    states: dict[int, State], policy: VersionPolicy, labels: dict[str, int], route: Route
) -> None:
    recorded = rows(states, policy, labels)
    after = settled(recorded, route)
    by_version = {row.version: row for row in after}
    current = [row for row in after if row.current]

    assert [row.version for row in after] == [row.version for row in recorded]
    assert len(current) <= 1
    assert all(row.served for row in current)
    assert all(row.state is READY for row in after if row.served)
    assert not any(by_version[v].served for v in route.retired if v in by_version)
    if route.is_unloaded:
        assert not any(row.served for row in after)
    else:
        candidates = {v for v, row in by_version.items() if row.state is READY}
        assert all(
            by_version[v].served for v in labels_of(after, route).values() if v in candidates
        )
        assert all(by_version[v].served for v, _ in route.preparing if v in candidates)
        if route.current in candidates:
            assert current_of(after) == route.current
        if candidates and not isinstance(policy, Specific):
            assert current
    canary = canary_of(after, route)
    if canary is not None:
        assert by_version[canary[0]].served
        assert canary[0] != current_of(after)
