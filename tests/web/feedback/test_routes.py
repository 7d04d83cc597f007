"""Labels over HTTP: taken, refused row by row, corrected, and kept over a restart."""

import gzip
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.quality.predicted import Kind, Shape
from service.quality.receipt import Receipts
from service.quality.windows import DAY, SECOND
from service.web.feedback.answer import MAX_LISTED
from service.web.feedback.sent import MAX_ROWS
from service.web.process import WebProcess
from tests.web.access.keyed import bearer, give_key
from tests.web.client import FlaskClient
from tests.web.feedback.world import matrix, predicted, rows_of, send, taken, worker

PETS = "/v1/models/pets:feedback"


def test_labels_by_name_and_by_index_are_joined_with_their_rows(
    client: FlaskClient, process: WebProcess
) -> None:
    id_ = predicted(client, rows_of(0, 1, 2, 2))
    labels = ["cat", 1, "owl", "0"]
    answer = send(client, [(f"{id_}/{row}", label) for row, label in enumerate(labels)])
    assert answer == {
        "model": "pets", "rows": 4, "kept": 4, "outcomes": {"accepted": 4},
        "refused": [], "refused_unlisted": 0,
    }  # fmt: skip
    assert matrix(process) == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("media_type", "text"),
    [
        ("application/json", '{"feedback": [{"prediction_id": "ID/0", "label": "dog"},'
                             ' {"prediction_id": "ID/1", "label": 2}]}'),
        ("application/x-www-form-urlencoded",
         '{"feedback": [{"label": "dog", "prediction_id": "ID/0"},'
         ' {"label": "owl", "prediction_id": "ID/1"}]}'),
        ("application/x-ndjson", '{"prediction_id": "ID/0", "label": "dog"}\n\n'
                                 '{"prediction_id": "ID/1", "label": "owl"}\n'),
        ("text/csv; charset=utf-8", "prediction_id,label\r\nID/0,dog\r\nID/1,2\r\n"),
        ("text/csv", "\ufefflabel,prediction_id\ndog,ID/0\n\nowl,ID/1"),
    ],
    ids=["json", "curl", "ndjson", "csv", "csv-turned"],
)  # fmt: skip
@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "gzip"])
def test_every_form_says_the_same(
    client: FlaskClient, process: WebProcess, media_type: str, text: str, is_compressed: bool
) -> None:
    body = text.replace("ID", predicted(client, rows_of(0, 2))).encode()
    headers = {"Content-Type": media_type}
    if is_compressed:
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    answer = taken(client.post(PETS, body, **headers))
    assert answer["outcomes"] == {"accepted": 2}
    assert matrix(process) == [[0, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_the_same_label_changes_nothing_and_another_one_counts(
    client: FlaskClient, process: WebProcess
) -> None:
    id_ = predicted(client, rows_of(1))
    sent = [send(client, [(id_, label)])["outcomes"] for label in ("cat", 0, "dog", "dog")]
    assert sent == [{"accepted": 1}, {"duplicate": 1}, {"corrected": 1}, {"duplicate": 1}]
    assert matrix(process) == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_each_bad_row_has_its_reason_and_the_good_ones_are_kept(
    client: FlaskClient, process: WebProcess
) -> None:
    id_, other = predicted(client, rows_of(0, 1)), predicted(client, rows_of(0), "brief")
    changed = id_[:-4] + ("AAAA" if id_[-4:] != "AAAA" else "BBBB")
    rows: list[Any] = [
        {"prediction_id": f"{id_}/0", "label": "cat"},
        {"prediction_id": f"{id_}/1", "label": "fish"},
        {"prediction_id": f"{id_}/2", "label": "cat"},
        {"prediction_id": id_, "label": "cat"},
        {"prediction_id": changed, "label": "cat"},
        {"prediction_id": f"r1-00000000-{id_[12:]}", "label": "cat"},
        {"prediction_id": other, "label": 0},
        {"prediction_id": "never-seen", "label": "cat"},
        {"prediction_id": "ä", "label": "cat"},
        {"prediction_id": f"{id_}/1", "label": "dog"},
        {"prediction_id": f"{id_}/1"},
        {"prediction_id": 7, "label": "cat"},
        "cat",
        {"prediction_id": f"{id_}/1", "label": "dog", "why": "so"},
    ]
    answer = taken(client.post(PETS, {"feedback": rows}))
    reasons = {one["row"]: one["reason"] for one in answer["refused"]}
    assert reasons == {
        1: "unknown_class", 2: "row_out_of_range", 3: "row_out_of_range", 4: "forged",
        5: "unknown_key", 6: "other_model", 7: "unknown_id", 8: "malformed", 10: "malformed",
        11: "malformed", 12: "malformed", 13: "malformed",
    }  # fmt: skip
    texts = {one["row"]: one["text"] for one in answer["refused"]}
    assert "signature" in texts[4]
    assert "'prediction_id'" in texts[10]
    assert "'label, prediction_id, why'" in texts[13]
    assert (answer["rows"], answer["kept"], answer["outcomes"]["accepted"]) == (14, 2, 2)
    assert matrix(process) == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    counted = process.quality.store.counters().outcomes
    assert {o: n for (m, o), n in counted.items() if m == "pets"} == answer["outcomes"]


def test_a_bad_line_is_a_row_of_its_own(client: FlaskClient) -> None:
    id_ = predicted(client, rows_of(0))
    for media_type, text in (
        ("text/csv", "prediction_id,label\nID\nID,cat,7\nID,cat\n"),
        ("application/x-ndjson", '{"prediction_id": \n[1]\n{"prediction_id": "ID", "label": 0}'),
    ):
        body = text.replace("ID", id_).encode()
        answer = taken(client.post(PETS, body, **{"Content-Type": media_type}))
        assert [one["row"] for one in answer["refused"]] == [0, 1]
        assert (answer["rows"], answer["kept"]) == (3, 1)


def test_of_many_bad_rows_the_first_are_listed(client: FlaskClient) -> None:
    answer = send(client, [("nobody", "cat")] * (MAX_LISTED + 20))
    assert (answer["kept"], answer["outcomes"]) == (0, {"unknown_id": MAX_LISTED + 20})
    assert [one["row"] for one in answer["refused"]] == list(range(MAX_LISTED))
    assert answer["refused_unlisted"] == 20


@pytest.mark.parametrize(
    ("media_type", "body", "says"),
    [
        ("", b"", "JSON Parse error"),
        ("", b"[]", "expected a JSON object"),
        ("", b'{"feedback": {}}', "expected a list"),
        ("", b'{"feedback": [], "why": "so"}', "'feedback, why'"),
        ("", b"{}", "got the keys none"),
        ("", b'{"labels": [1], "instances": []}', "one for each of 0 instances, got 1"),
        ("", b'{"labels": 1, "instances": []}', "two lists"),
        ("text/csv", b"", "expected a first line"),
        ("text/csv", b"prediction_id,truth\n", "'prediction_id,truth'"),
        ("text/csv", b"prediction_id,label\na,\"b\n", "line 2 is no CSV"),
        ("text/csv", b"prediction_id,label\na,\xff\n", "UTF-8"),
        ("application/x-ndjson", b"{}\n" * (MAX_ROWS + 1), f"at most {MAX_ROWS} rows"),
        ("text/csv", b"prediction_id,label\n" + b"a,b\n" * (MAX_ROWS + 1), "at most"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused_as_a_whole(
    client: FlaskClient, process: WebProcess, media_type: str, body: bytes, says: str
) -> None:
    answer = client.post(PETS, body, **{"Content-Type": media_type})
    assert answer.status == 400
    assert says in answer.json["error"]
    assert not process.quality.store.counters().outcomes


def test_nothing_to_say_is_no_error(client: FlaskClient) -> None:
    assert send(client, [])["rows"] == 0
    labelled = client.post(PETS, {"instances": [], "labels": []})
    assert taken(labelled)["rows"] == 0


def test_a_label_comes_too_late_after_the_model_s_own_horizon(
    client: FlaskClient, process: WebProcess
) -> None:
    now = int(time.time() * SECOND)
    for age, becomes in ((int(0.4 * DAY), "accepted"), (int(0.6 * DAY), "expired")):
        receipts = Receipts(
            process.quality.keys,
            process.settings.repository_key,
            partial(float, (now - age) / SECOND),
        )
        issuer = receipts.issuer("brief", 2, Shape(Kind.CLASSES, 3))
        issued = issuer.issue(b"\x01\x00\x00", 1)
        assert issued is not None
        assert send(client, [(issued.id, 1)], "brief")["outcomes"] == {becomes: 1}


def test_a_version_that_is_gone_still_gets_its_labels(
    client: FlaskClient, process: WebProcess
) -> None:
    issued = process.quality.receipts.issuer("pets", 1, Shape(Kind.CLASSES, 3)).issue(
        b"\x01\x00\x00", 1
    )
    assert issued is not None
    assert send(client, [(issued.id, "dog")])["outcomes"] == {"accepted": 1}
    assert process.quality.store.matrix("pets", 1)[1, 1] == 1


def test_models_that_are_not_there_are_not_found(client: FlaskClient) -> None:
    for path in ("/v1/models/nope:feedback", "/v1/models/nope:forget"):
        body = {"feedback": []} if "feedback" in path else {"prediction_ids": ["x"]}
        answer = client.post(path, body)
        assert (answer.status, answer.json["error"]) == (
            404, "Could not find any versions of model nope",
        )  # fmt: skip
    assert client.ask("GET", "/v1/models/nope/quality").status == 404


def test_a_client_s_own_id_is_as_good(client: FlaskClient, process: WebProcess) -> None:
    body = {"instances": rows_of(0, 1)}
    assert client.predict("pets", body, **{"X-Request-Id": "order-7"}).status == 200
    process.quality.recorder.flush()
    assert send(client, [("order-7/1", "dog"), ("order-8", "dog")])["outcomes"] == {
        "accepted": 1, "unknown_id": 1,
    }  # fmt: skip


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    with worker(tmp_path) as process:
        client = FlaskClient(process)
        id_ = predicted(client, rows_of(0, 1))
        send(client, [(f"{id_}/0", "cat")])
    with worker(tmp_path) as process:
        client = FlaskClient(process)
        outcomes = send(client, [(f"{id_}/0", "cat"), (f"{id_}/1", "cat")])["outcomes"]
        assert outcomes == {"accepted": 1, "duplicate": 1}
        assert matrix(process) == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_who_may_send_is_not_who_may_delete(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    key = {role: bearer(give_key(keys, role, role)) for role in ("feedback", "predict", "read")}
    limited = bearer(give_key(keys, "limited", "feedback", models="brief"))
    forget, quality = "/v1/models/pets:forget", "/v1/models/pets/quality"
    with worker(tmp_path, access="keys") as process:
        client = FlaskClient(process)
        empty: dict[str, Any] = {"feedback": []}
        assert client.post(PETS, empty, **key["feedback"]).status == 200
        assert client.post(PETS, empty, **key["predict"]).status == 403
        assert client.post(PETS, empty, **limited).status == 403
        ids = {"prediction_ids": ["x"]}
        assert client.post(forget, ids, **key["feedback"]).status == 403
        assert client.ask("GET", quality, **key["read"]).status == 200
        assert client.ask("GET", quality, **key["feedback"]).status == 403
        body = json.dumps(seldon("brief")).encode()
        assert client.post("/api/v1.0/feedback", body, **key["feedback"]).status == 200
        assert client.post("/api/v1.0/feedback", body, **limited).status == 403
        own = "/seldon/x/brief/api/v1.0/feedback"
        assert client.post(own, body, **limited).status == 200


def seldon(model: str) -> dict[str, Any]:
    meta = {"puid": "x", "tags": {"model": model}}
    return {"response": {"meta": meta}, "truth": {"data": {"ndarray": [1]}}}


def test_web_pages_send_no_feedback_where_access_is_open(client: FlaskClient) -> None:
    body: dict[str, Any] = {"feedback": []}
    assert client.post(PETS, body, Origin="http://evil.example").status == 403
    assert client.post(PETS, body, Host="evil.example").status == 403
    assert client.post(PETS, body).status == 200
