"""Canary, shadow, labels and pinned versions, over both ways in and both protocols."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.base.metrics import REGISTRY
from service.runtime.directions import Split
from service.web.process import WebProcess
from service.web.traffic_figures import canary_figures, shadow_figures
from tests.web.client import Answer, Client, asking, counted
from tests.web.side_by_side import BODY, INFER, direct, leaning, times, worker

VERSION = "x-model-version"
CANARY = "kerasd_canary_requests_total"
SHADOWED = "kerasd_shadow_requests_total"
OK = "kerasd_predict_requests_total"


@pytest.fixture
def model(request: pytest.FixtureRequest) -> str:
    """A name of its own for each test: counters are shared."""
    return "".join(letter for letter in request.node.name if letter.isalnum())


@pytest.fixture
def process(tmp_path: Path, model: str) -> Iterator[WebProcess]:
    """Versions 1, 2 and 3 multiply by 1, 2 and 3."""
    versions = {number: times(tmp_path, number) for number in (1, 2, 3)}
    with worker(tmp_path, model, versions) as process:
        yield process


def version_1(client: Client, model: str, within: str = "", **headers: str) -> Answer:
    return client.post(f"/v1/models/{model}{within}:predict", BODY, **headers)


def version_2(client: Client, model: str, within: str = "", **headers: str) -> Answer:
    return client.post(f"/v2/models/{model}{within}/infer", INFER, **headers)


def answered_by(answer: Answer) -> int:
    """Which version it was, by its header and by what it worked out."""
    assert answer.status == 200, answer.body
    number = int(answer.headers[VERSION])
    record = answer.json
    assert record["model_version"] == str(number)
    rows = record["predictions"][0] if "predictions" in record else record["outputs"][0]["data"]
    assert rows == [1.0 * number, 2.0 * number]
    return number


class TestPaths:
    def test_a_version_by_its_number(self, client: Client, model: str) -> None:
        for number in (1, 2, 3):
            within = f"/versions/{number}"
            assert answered_by(version_1(client, model, within)) == number
            assert answered_by(version_2(client, model, within)) == number
        assert answered_by(version_1(client, model)) == 1

    def test_a_version_by_its_label(self, client: Client, process: WebProcess, model: str) -> None:
        direct(process, model, 2, labels={"stable": 2, "candidate": 3, "Früher": 1})
        for label, number in (("stable", 2), ("candidate", 3), ("Früher", 1)):
            assert answered_by(version_1(client, model, f"/labels/{label}")) == number
            assert answered_by(version_2(client, model, f"/versions/{label}")) == number

    def test_a_label_that_moves(self, client: Client, process: WebProcess, model: str) -> None:
        for number in (2, 3, 1):
            direct(process, model, 1, labels={"candidate": number})
            assert answered_by(version_1(client, model, "/labels/candidate")) == number
            assert answered_by(version_2(client, model, "/versions/candidate")) == number

    def test_unknown_ones_in_the_words_of_the_protocol(
        self, client: Client, process: WebProcess, model: str
    ) -> None:
        for answer, status, text in (
            (version_1(client, model, "/labels/old"), 400,
             "Unrecognized servable version label: old"),
            (version_2(client, model, "/versions/old"), 404,
             f"Request for unknown model: '{model}' version old is not found"),
            (version_1(client, model, "/versions/9"), 404,
             f"Servable not found for request: Specific({model}, 9)"),
            (version_2(client, model, "/versions/9"), 404,
             f"Request for unknown model: '{model}' version 9 is not found"),
            (version_2(client, "nope", "/versions/old", X_Request_Timeout_Ms="1"), 404,
             "Request for unknown model: 'nope' version old is not found"),
        ):  # fmt: skip
            assert (answer.status, answer.json["error"]) == (status, text)

    @pytest.mark.parametrize("tail", ["", "/ready", "/config", "/stats"])
    def test_what_version_2_tells_of_a_label(
        self, client: Client, process: WebProcess, model: str, tail: str
    ) -> None:
        direct(process, model, 1, labels={"candidate": 3})
        by_label = client.ask("GET", f"/v2/models/{model}/versions/candidate{tail}")
        assert by_label.status == 200
        assert by_label.json == client.ask("GET", f"/v2/models/{model}/versions/3{tail}").json
        unknown = client.ask("GET", f"/v2/models/{model}/versions/old{tail}")
        assert unknown.status == 404
        assert "version old is not found" in unknown.json["error"]
        wrong = client.ask("POST", f"/v2/models/{model}/versions/candidate{tail}")
        assert (wrong.status, wrong.json["error"]) == (405, "Method Not Allowed")

    def test_statistics_of_a_label_are_those_of_its_version(
        self, client: Client, process: WebProcess, model: str
    ) -> None:
        direct(process, model, 1, labels={"candidate": 3})
        (entry,) = client.ask("GET", f"/v2/models/{model}/versions/candidate/stats").json[
            "model_stats"
        ]
        assert entry["version"] == "3"
        everything = client.ask("GET", f"/v2/models/{model}/stats").json["model_stats"]
        assert [entry["version"] for entry in everything] == ["1", "2", "3"]

    def test_the_signature_by_label_in_version_1(
        self, client: Client, process: WebProcess, model: str
    ) -> None:
        direct(process, model, 1, labels={"candidate": 3})
        known = client.ask("GET", f"/v1/models/{model}/labels/candidate/metadata")
        assert known.json["model_spec"]["version"] == "3"
        unknown = client.ask("GET", f"/v1/models/{model}/labels/old/metadata")
        assert unknown.status == 400
        assert unknown.json["error"] == "Unrecognized servable version label: old"


def test_every_verb_says_which_version_answered(way: Any, tmp_path: Path, model: str) -> None:
    examples = {"examples": [{"x": [1.0, 2.0]}]}
    versions = {7: leaning(tmp_path, 0.0)}
    with (
        worker(tmp_path, model, versions, extra_keys=False) as process,
        asking(way, process) as client,
    ):
        answer = client.post(f"/v1/models/{model}:classify", examples)
        assert answer.json.keys() == {"results"}
        assert answer.headers[VERSION] == "7"
        answer = version_1(client, model)
        assert answer.json.keys() == {"predictions"}
        assert answer.headers[VERSION] == "7"


class TestCanary:
    def test_its_share_by_header_or_id_and_the_same_ones_each_time(
        self, client: Client, process: WebProcess, model: str
    ) -> None:
        direct(process, model, 1, split=Split(2, 0.5, b"x-user"))
        users = [f"user-{number}" for number in range(40)]
        first = [answered_by(version_1(client, model, X_User=user)) for user in users]
        again = [answered_by(version_2(client, model, X_User=user)) for user in users]
        by_id = [answered_by(version_1(client, model, X_Request_Id=user)) for user in users]
        assert first == again == by_id
        assert 8 <= first.count(2) <= 32
        direct(process, model, 1, split=Split(2, 0.9, b"x-user"))
        more = [answered_by(version_1(client, model, X_User=user)) for user in users]
        assert all(after == 2 for before, after in zip(first, more, strict=True) if before == 2)
        got = {
            arm: counted(CANARY, model=model, version=version, arm=arm)
            for version, arm in (("1", "current"), ("2", "canary"))
        }
        process.plane.flush()
        assert sum(got.values()) <= 160
        figures = canary_figures(list(REGISTRY.collect()), model)
        assert [(entry["version"], entry["arm"]) for entry in figures] == [
            (1, "current"),
            (2, "canary"),
        ]
        assert figures[1]["requests"] == [*first, *again, *by_id, *more].count(2)
        assert sum(entry["requests"] for entry in figures) == 160

    def test_requests_that_say_what_they_want_get_that(
        self, client: Client, process: WebProcess, model: str
    ) -> None:
        direct(process, model, 1, labels={"stable": 1}, split=Split(2, 1.0))
        assert answered_by(version_1(client, model)) == 2
        assert answered_by(version_1(client, model, "/labels/stable")) == 1
        assert answered_by(version_1(client, model, "/versions/1")) == 1
        assert answered_by(version_2(client, model, "/versions/stable")) == 1
        process.plane.flush()
        assert counted(CANARY, model=model, version="2", arm="canary") == 1
        assert counted(CANARY, model=model, version="1", arm="current") == 0

    def test_one_that_is_not_loaded_gets_nothing(
        self, client: Client, process: WebProcess, model: str
    ) -> None:
        direct(process, model, 1, split=Split(9, 1.0))
        assert answered_by(version_1(client, model)) == 1


class TestShadow:
    def test_it_sees_what_current_answered_and_nothing_of_it_is_counted_as_an_answer(
        self, client: Client, process: WebProcess, model: str
    ) -> None:
        direct(process, model, 1, labels={"stable": 1, "other": 3}, shadow=2)
        assert answered_by(version_1(client, model)) == 1
        assert answered_by(version_2(client, model)) == 1
        assert answered_by(version_1(client, model, "/labels/stable")) == 1
        assert answered_by(version_1(client, model, "/versions/1")) == 1
        assert answered_by(version_1(client, model, "/labels/other")) == 3
        assert client.predict(model, {"instances": [[1.0]]}).status == 400
        compared = 0
        while process.shadow.step():
            compared += 1
        assert compared == 3
        assert counted(SHADOWED, model=model, version="2", outcome="compared") == 3
        for outcome in ("ok", "invalid", "error", "rejected", "timeout"):
            assert counted(OK, model=model, version="2", outcome=outcome) == 0
        (entry,) = shadow_figures(list(REGISTRY.collect()), model)
        assert entry["rows"] == {"agreeing": 0, "differing": 3}
        assert entry["p50_ms"] is not None

    def test_what_the_canary_answered_is_not_for_it(
        self, client: Client, process: WebProcess, model: str
    ) -> None:
        direct(process, model, 1, split=Split(2, 1.0), shadow=2)
        assert answered_by(version_1(client, model)) == 2
        assert not process.shadow.step()

    def test_decisions_are_compared_where_there_are_any(
        self, way: Any, tmp_path: Path, model: str
    ) -> None:
        versions = {1: leaning(tmp_path, 0.5), 2: leaning(tmp_path, 1.5)}
        body = {"instances": [[0.0, 0.1], [0.0, 1.0], [0.0, 2.0], [0.0, 3.0]]}
        with worker(tmp_path, model, versions) as process, asking(way, process) as client:
            direct(process, model, 1, shadow=2)
            assert client.predict(model, body).status == 200
            assert process.shadow.step()
        (entry,) = shadow_figures(list(REGISTRY.collect()), model)
        assert entry["rows"] == {"agreeing": 3, "differing": 1}
        assert entry["agreement"] == 0.75
