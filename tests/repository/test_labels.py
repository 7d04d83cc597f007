"""Names of versions, canaries and shadows: what operators may set, and what they read else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.errors import ModelNotFound, RequestInvalid
from service.base.http_errors import Conflict
from service.repository.model_config import ModelConfig
from service.repository.policy import canary_of, labels_of, settle, shadow_of
from service.repository.promotion import Promotions
from service.repository.route import Canary
from service.repository.states import State, VersionRow
from tests.repository.crew import BY_ANN, SECOND, Crew, ready


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path)
    crew.store.change("m", lambda route: replace(route, current=3))
    crew.follow()
    yield crew
    crew.engine.dispose()


@pytest.fixture
def promotions(crew: Crew) -> Promotions:
    return Promotions(crew.store, crew.tell, crew.clock, crew.pause)


def labels(crew: Crew) -> dict[str, int]:
    routes = crew.store.routes()
    return labels_of(settle(crew.store.rows(), routes), routes["m"])


class TestLabels:
    def test_its_version_is_loaded_everywhere_before(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        change = promotions.set_label("m", "candidate", 1, BY_ANN)
        assert change.after.labels == {"candidate": 1}
        assert labels(crew) == {"candidate": 1, "stable": 3}
        for worker in crew.store.workers():
            assert {held.version for held in worker.held} == {1, 3}
            assert worker.seen["m"] == change.after.revision
        (entry,) = crew.store.audit()
        assert (entry.action, entry.before["labels"], entry.after["labels"]) == (
            "label", {}, {"candidate": 1},
        )  # fmt: skip

    def test_a_version_that_cannot_be_loaded_gets_no_name(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        crew.broken[f"{SECOND} 1"] = "corrupt"
        with pytest.raises(Conflict, match="can't be loaded by worker 22 on host: corrupt"):
            promotions.set_label("m", "candidate", 1, BY_ANN)
        assert labels(crew) == {"stable": 3}

    def test_it_moves_and_is_dropped(self, crew: Crew, promotions: Promotions) -> None:
        promotions.set_label("m", "a.b-c_1", 1, BY_ANN)
        promotions.set_label("m", "a.b-c_1", 2, BY_ANN)
        assert labels(crew) == {"a.b-c_1": 2, "stable": 3}
        promotions.drop_label("m", "a.b-c_1", BY_ANN)
        assert labels(crew) == {"stable": 3}
        assert crew.actions() == ["label", "label", "unlabel"]

    @pytest.mark.parametrize("label", ["", "7", ".x", "a/b", "a b", "ä", "x" * 129, "a\n"])
    def test_what_can_stand_in_no_path_is_no_label(
        self, promotions: Promotions, label: str
    ) -> None:
        with pytest.raises(RequestInvalid, match="label: expected a letter or '_'"):
            promotions.set_label("m", label, 1, BY_ANN)

    def test_stable_is_moved_by_promoting_only(self, promotions: Promotions) -> None:
        with pytest.raises(Conflict, match="'stable' always is the current version"):
            promotions.set_label("m", "stable", 1, BY_ANN)
        with pytest.raises(Conflict, match="'stable' always is"):
            promotions.drop_label("m", "stable", BY_ANN)

    def test_model_yaml_is_not_overruled(self, crew: Crew, promotions: Promotions) -> None:
        crew.store.replace([ready(3, config=ModelConfig(version_labels={"old": 3}))])
        with pytest.raises(Conflict, match=r"'old' of model 'm' is set in model\.yaml"):
            promotions.set_label("m", "old", 3, BY_ANN)

    def test_what_is_not_there_is_not_found(self, crew: Crew, promotions: Promotions) -> None:
        with pytest.raises(ModelNotFound):
            promotions.set_label("m", "x", 9, BY_ANN)
        with pytest.raises(Conflict, match="Model 'm' has no label 'x', it has stable"):
            promotions.drop_label("m", "x", BY_ANN)
        crew.store.replace([ready(3), VersionRow("m", 4, State.COMPILING)])
        with pytest.raises(Conflict, match="Version 4 of model 'm' is COMPILING"):
            promotions.set_label("m", "x", 4, BY_ANN)
        assert crew.store.audit() == []


class TestTraffic:
    @pytest.fixture(autouse=True)
    def candidate(self, crew: Crew) -> None:
        crew.store.change("m", lambda route: replace(route, labels={"next": 2, "gone": 9}))
        crew.follow()

    def test_it_is_set_as_a_whole_and_ended(self, crew: Crew, promotions: Promotions) -> None:
        promotions.set_traffic("m", Canary("next", 5, "x-user"), "next", BY_ANN)
        routes = crew.store.routes()
        rows = settle(crew.store.rows(), routes)
        assert canary_of(rows, routes["m"]) == (2, Canary("next", 5, "x-user"))
        assert shadow_of(rows, routes["m"]) == 2
        change = promotions.set_traffic("m", None, "", BY_ANN)
        assert (change.after.canary, change.after.shadow) == (None, "")
        first = crew.store.audit()[-1]
        assert first.after == {
            "current": 3,
            "canary": {"label": "next", "percent": 5, "header": "x-user"},
            "shadow": "next",
        }

    @pytest.mark.parametrize("percent", [0, -1, 100.1, float("nan"), float("inf")])
    def test_a_share_is_a_part(self, promotions: Promotions, percent: float) -> None:
        with pytest.raises(RequestInvalid, match=r"canary\.percent: expected above 0"):
            promotions.set_traffic("m", Canary("next", percent), "", BY_ANN)

    def test_a_header_has_a_name(self, promotions: Promotions) -> None:
        for header in ("x user", "x:", "x" * 65, "ä"):
            with pytest.raises(RequestInvalid, match=r"canary\.header: expected a header's name"):
                promotions.set_traffic("m", Canary("next", 5, header), "", BY_ANN)

    @pytest.mark.parametrize(
        ("label", "words"),
        [
            ("nope", "model 'm' has no label 'nope', it has gone, next, stable"),
            ("gone", "version 9, label 'gone', is not in the repository"),
            ("stable", "label 'stable' is version 3, which is the current one"),
        ],
    )
    def test_it_needs_another_version_that_answers(
        self, promotions: Promotions, label: str, words: str
    ) -> None:
        with pytest.raises(Conflict, match=f"canary: {words}"):
            promotions.set_traffic("m", Canary(label, 5), "", BY_ANN)
        with pytest.raises(Conflict, match=f"shadow: {words}"):
            promotions.set_traffic("m", None, label, BY_ANN)

    def test_a_label_that_traffic_follows_is_not_dropped(self, promotions: Promotions) -> None:
        promotions.set_traffic("m", Canary("next", 5), "", BY_ANN)
        with pytest.raises(Conflict, match="The canary of model 'm' goes to label 'next'; end"):
            promotions.drop_label("m", "next", BY_ANN)
        promotions.set_traffic("m", None, "next", BY_ANN)
        with pytest.raises(Conflict, match="The shadow of model 'm' is label 'next'; end"):
            promotions.drop_label("m", "next", BY_ANN)

    @pytest.mark.parametrize("version", [2, 1], ids=["becomes current", "stays beside"])
    def test_a_trial_ends_with_the_move_that_it_was_for(
        self, crew: Crew, promotions: Promotions, version: int
    ) -> None:
        promotions.set_traffic("m", Canary("next", 5), "next", BY_ANN)
        promotions.promote("m", version, BY_ANN)
        promotions.rollback("m", BY_ANN)
        route = crew.store.route("m")
        assert route.current == 3
        on_trial = (None, "") if version == 2 else (Canary("next", 5), "next")
        assert (route.canary, route.shadow) == on_trial
        back, promoted, *_ = crew.store.audit()
        assert ("canary" in promoted.before) is (version == 2)
        assert ("canary" in back.before) is False

    def test_a_rollback_ends_the_trial_of_what_it_brings_back_or_leaves(
        self, crew: Crew, promotions: Promotions
    ) -> None:
        promotions.promote("m", 1, BY_ANN)
        for label, version in (("next", 3), ("old", 1)):
            labels = {label: version}
            trial = {"labels": labels, "canary": Canary(label, 5), "shadow": label}
            crew.store.change("m", lambda route, new=trial: replace(route, **new))  # type: ignore[misc]
            promotions.rollback("m", BY_ANN)
            assert crew.store.route("m").canary is None
            assert crew.store.route("m").shadow == ""
            assert crew.store.audit()[0].before["canary"]["label"] == label
            promotions.promote("m", 1, BY_ANN)
