"""Promotion, rollback, labels and traffic over HTTP: what holds when the answer comes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.web.process import WebProcess
from tests.web.admin.versions import worker
from tests.web.client import FlaskClient

ROW = {"instances": [[1, 2, 3]]}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with worker(tmp_path) as process:
        yield process


def ask(client: FlaskClient, what: str, body: Any = b"", **headers: str) -> Any:
    method, path = what.split()
    answer = client.ask(method, f"/v1/models/{path}", body, **headers)
    assert answer.headers["content-type"] == "application/json"
    return answer.status, answer.json


def done(client: FlaskClient, what: str, body: Any = b"") -> Any:
    status, record = ask(client, what, body)
    assert status == 200, record
    return record


def version_of(client: FlaskClient, place: str = "m") -> str:
    return str(client.predict(place, ROW).json["model_version"])


def test_a_promoted_version_answers_when_the_answer_comes(client: FlaskClient) -> None:
    assert version_of(client) == "3"
    record = done(client, "POST m/versions/1:promote", {"expected_current": 3, "why": "better"})
    assert version_of(client) == "1"
    assert (record["model"], record["version"], record["previous"]) == ("m", 1, 3)
    assert set(record) == {"model", "version", "previous", "revision", "took_ms"}
    route = done(client, "GET m")["route"]
    assert (route["current"], route["is_pinned"], route["previous"]) == (1, True, [3])
    assert route["revision"] == record["revision"]


def test_a_rollback_goes_back_and_further_back(client: FlaskClient) -> None:
    for version in (1, 2):
        done(client, f"POST m/versions/{version}:promote")
    assert done(client, "POST m:rollback", {"expected_current": 2})["version"] == 1
    assert version_of(client) == "1"
    assert done(client, "POST m:rollback")["version"] == 3
    assert version_of(client) == "3"
    status, record = ask(client, "POST m:rollback")
    assert status == 409
    assert "no earlier version" in record["error"]


def test_swaps_are_counted_as_in_a_scrape(client: FlaskClient) -> None:
    done(client, "POST m/versions/1:promote")
    before = done(client, "GET m")["swaps"]
    done(client, "POST m/versions/2:promote")
    done(client, "POST m/versions/2:promote")  # it is current already
    done(client, "POST m:rollback")

    assert done(client, "GET m")["swaps"] == before + 2
    text = client.ask("GET", "/metrics").body.decode()
    counts = [line for line in text.splitlines() if line.startswith("kerasd_model_swaps_total{")]
    assert sum(float(line.split()[-1]) for line in counts) == before + 2


def test_who_is_too_late_is_told_what_is_current(client: FlaskClient) -> None:
    done(client, "POST m/versions/1:promote")
    for what in ("POST m/versions/2:promote", "POST m:rollback"):
        status, record = ask(client, what, {"expected_current": 3})
        assert status == 409
        assert "version 1" in record["error"]
    assert version_of(client) == "1"


def test_a_released_model_is_the_policys_again(client: FlaskClient) -> None:
    done(client, "POST m/versions/1:promote")
    assert done(client, "POST m:release")["is_pinned"] is False


def test_a_label_leads_to_its_version(client: FlaskClient) -> None:
    record = done(client, "PUT m/labels/candidate", {"version": 2})
    assert record["labels"] == {"candidate": 2, "stable": 3}
    assert version_of(client, "m/labels/candidate") == "2"
    status = done(client, "GET m/labels/candidate")
    assert [one["version"] for one in status["model_version_status"]] == ["2"]
    done(client, "PUT m/labels/candidate", {"version": 1})
    assert version_of(client, "m/labels/candidate") == "1"
    assert done(client, "DELETE m/labels/candidate")["labels"] == {"stable": 3}
    assert client.predict("m/labels/candidate", ROW).status == 400


@pytest.mark.parametrize(
    ("what", "body", "status", "says"),
    [
        ("PUT m/labels/stable", {"version": 1}, 409, "promote another one"),
        ("PUT m/labels/7", {"version": 1}, 400, "label: expected a letter"),
        ("PUT m/labels/a%20b", {"version": 1}, 400, "label: expected a letter"),
        ("PUT m/labels/c", {}, 400, "version: Field required"),
        ("PUT m/labels/c", {"version": 9}, 404, "version 9 of model m"),
        ("DELETE m/labels/c", b"", 409, "no label 'c'"),
        ("PUT m/traffic", {"canary": {"label": "none", "percent": 5}}, 409, "no label 'none'"),
        ("PUT m/traffic", {"shadow": "none"}, 409, "no label 'none'"),
        ("POST m/versions/9:promote", b"", 404, "version 9 of model m"),
        ("POST m/versions/12345678901:promote", b"", 404, "version 12345678901 of model m"),
        ("POST m/versions/01:promote", b"", 400, "expected a positive whole number, got '01'"),
        ("POST m/versions/one:promote", b"", 400, "expected a positive whole number, got 'one'"),
        ("POST nope/versions/1:promote", b"", 404, "any versions of model nope"),
        ("POST broken/versions/3:promote", b"", 409, "x.h5: damaged"),
        ("POST m/versions/1:promote", {"expected": 3}, 400, "expected: Extra inputs"),
        ("GET m/versions/1:promote", b"", 400, "Malformed request: GET"),
        ("PUT m/versions/1:promote", b"", 400, "Malformed request: PUT"),
        ("POST m:promote", b"", 400, "Malformed request: POST"),
        ("POST m/labels/c:promote", b"", 400, "Malformed request: POST"),
        ("GET m/traffic", b"", 400, "Malformed request: GET"),
        ("POST m/labels/c", {"version": 1}, 400, "Malformed request: POST"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    client: FlaskClient, what: str, body: Any, status: int, says: str
) -> None:
    found, record = ask(client, what, body)
    assert found == status, record
    assert says in record["error"]
    route = done(client, "GET m")["route"]
    assert (route["current"], route["labels"], route["canary"]) == (3, {"stable": 3}, None)


def test_traffic_is_said_as_a_whole(client: FlaskClient) -> None:
    done(client, "PUT m/labels/candidate", {"version": 2})
    canary = {"label": "candidate", "percent": 100, "header": "X-User"}
    record = done(client, "PUT m/traffic", {"canary": canary})
    assert record["canary"] == {**canary, "version": 2}
    assert version_of(client) == "2"
    assert version_of(client, "m/labels/stable") == "3"
    record = done(client, "PUT m/traffic", {"shadow": "candidate"})
    assert (record["canary"], record["shadow"]) == (None, {"label": "candidate", "version": 2})
    assert version_of(client) == "3"
    assert "figures" in done(client, "GET m")["route"]["shadow"]
    assert ask(client, "DELETE m/labels/candidate")[0] == 409
    assert done(client, "DELETE m/traffic")["shadow"] is None


def test_every_change_is_in_the_audit_with_who_and_why(client: FlaskClient) -> None:
    client.ask("POST", "/v1/models/m/versions/1:promote", {"why": "better"}, X_Request_Id="r-7")
    done(client, "PUT m/labels/candidate", {"version": 2})
    changes = client.ask("GET", "/v1/audit?model=m").json["changes"]
    assert [one["action"] for one in changes] == ["label", "promote"]
    told = changes[1]
    assert (told["who"], told["why"], told["request_id"]) == ("anybody", "better", "r-7")
    assert (told["before"]["current"], told["after"]["current"]) == (None, 1)
    older = client.ask("GET", f"/v1/audit?before={changes[0]['id']}&limit=1").json["changes"]
    assert older == changes[1:]
    assert client.ask("GET", "/v1/audit?model=other").json == {"changes": []}


def test_why_stands_in_the_query_of_a_delete(client: FlaskClient) -> None:
    """A body might be dropped on the way."""
    done(client, "PUT m/labels/candidate", {"version": 2})
    done(client, "DELETE m/labels/candidate?why=no%20more")
    done(client, "DELETE m/traffic?why=all%20back")
    changes = client.ask("GET", "/v1/audit?model=m").json["changes"]
    assert [(one["action"], one["why"]) for one in changes[:2]] == [
        ("traffic", "all back"),
        ("unlabel", "no more"),
    ]


@pytest.mark.parametrize("path", ["m/labels/c", "m/traffic", "m/versions/1"])
@pytest.mark.parametrize(
    ("query", "body", "says"),
    [
        ("", {"why": "x"}, "expected none with DELETE; why stands in the query"),
        ("?wy=x", b"", "the query: expected why"),
        ("?why=x&why=y", b"", "why stands there twice"),
        ("?why=a%00", b"", "why: expected one line without control characters"),
        ("?why=a%0Ab", b"", "why: expected one line without control characters"),
        (f"?why={'x' * 1001}", b"", "why: expected at most 1000 characters"),
    ],
    ids=["body", "other", "twice", "nul", "newline", "long"],
)
def test_a_delete_is_read_as_strictly_everywhere(
    client: FlaskClient, path: str, query: str, body: Any, says: str
) -> None:
    status, record = ask(client, f"DELETE {path}{query}", body)
    assert (status, says in record["error"]) == (400, True), record
    assert client.ask("GET", "/v1/audit?model=m").json == {"changes": []}


def test_no_name_has_control_characters(client: FlaskClient) -> None:
    """Some databases take no such text, not even in a question."""
    for what in ("GET a%00", "POST m%00:unload", "DELETE m/labels/a%00", "GET m%0A/diff"):
        assert ask(client, what)[0] in (400, 404), what
    assert client.ask("GET", "/v1/audit?model=a%00").status == 400


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=0", "limit: expected a positive whole number up to 1000, got '0'"),
        ("limit=1001", "limit: expected"),
        ("limit=x", "limit: expected"),
        ("before=-1", "before: expected"),
        ("of=m", "expected model, limit, before, got 'of'"),
        ("model=a&model=b", "model stands there twice"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    client: FlaskClient, query: str, says: str
) -> None:
    answer = client.ask("GET", f"/v1/audit?{query}")
    assert answer.status == 400
    assert says in answer.json["error"]


class TestWhoMay:
    def test_nobody_where_changes_are_switched_off(self, tmp_path: Path) -> None:
        with worker(tmp_path / "off", model_control=False) as process:
            client = FlaskClient(process)
            for what in ("POST m/versions/1:promote", "POST m:unload", "DELETE m/traffic",
                         "POST m:release", "POST m/versions/1:retire"):  # fmt: skip
                status, record = ask(client, what)
                assert status == 403
                assert "model_control" in record["error"]
            assert version_of(client) == "3"

    def test_no_web_page_where_access_is_open(self, client: FlaskClient) -> None:
        for origin in ("https://page.example", "null"):
            status, _ = ask(client, "POST m/versions/1:promote", Origin=origin)
            assert status == 403
        assert version_of(client) == "3"

    def test_few_at_a_time(self, process: WebProcess, client: FlaskClient) -> None:
        with process.permits.one(), process.permits.one():
            answer = client.ask("POST", "/v1/models/m/versions/1:promote")
        assert answer.status == 429
        assert answer.headers["retry-after"] == "1"
        assert version_of(client) == "3"
        done(client, "POST m/versions/1:promote")
