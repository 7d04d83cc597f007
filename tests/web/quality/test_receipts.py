"""Every answer has a receipt that says what was answered, on both ways in and both protocols."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import sqlalchemy as sa

from service.base.database import open_database
from service.base.signature import Signature, TensorSpec
from service.quality.predicted import FULL_SCORE, Kind, Prediction
from service.quality.receipt import MAX_ROW_BYTES, ReadReceipt
from service.repository.model_config import ModelConfig
from service.runtime.directions import Split
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import LENGTH, Answer, Client, asking, working
from tests.web.side_by_side import BODY, INFER, direct, leaning, worker

HEADER = "x-prediction-id"
ROWS = [[0.1, 0.7, 0.2], [0.9, 0.05, 0.05]]
MANY = [ROWS[row % 2] for row in range(MAX_ROW_BYTES)]
NUMBER = Signature(
    (TensorSpec("x", "float32", (None, 1)),), (TensorSpec("y", "float32", (None, 1)),)
)
SENTENCES = Signature(
    (TensorSpec("x", "float32", (None, 2, 20)),), (TensorSpec("y", "float32", (None, 2, 20)),)
)


def fakes() -> dict[str, FakeVersion]:
    return {"m": FakeVersion(), "number": FakeVersion(NUMBER), "wide": FakeVersion(SENTENCES)}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    with working(tmp_path, fakes(), {"m": ModelConfig(labels=("a", "b", "c"))}) as process:
        process.quality.keys.refresh()
        yield process


def infer_body(rows: list[list[float]], **more: object) -> dict[str, object]:
    shape = list(np.shape(rows))
    given = {"name": "x", "shape": shape, "datatype": "FP32", "data": rows}
    return {"inputs": [given], **more}


def read(process: WebProcess, answer: Answer, model: str = "m") -> Prediction:
    """What the receipt in the header says; what it leaves to the database comes from there."""
    assert answer.status == 200, answer.body
    receipts = process.quality.receipts
    found = receipts.read(answer.headers[HEADER])
    assert isinstance(found, ReadReceipt)
    assert receipts.is_of(found, model)
    assert abs(found.prediction.at / 1000 - time.time()) < 60
    if found.prediction.content is None and found.prediction.shape.row_bytes:
        return recorded(process)[found.prediction.id]
    return found.prediction


def recorded(process: WebProcess, *own: str) -> dict[bytes, Prediction]:
    """All that was kept, or what was kept under clients' own ids."""
    waiting = [one.id for _, one in process.quality.recorder._waiting]
    process.quality.recorder.flush()
    ids = [process.quality.receipts.own_id("m", name) for name in own] or waiting
    return process.quality.store.find_predictions(ids)


def decided(made: Prediction, rows: int = 2) -> list[tuple[Any, float]]:
    """Classes and scores of the first rows."""
    told = [made.row(number) for number in range(rows)]
    return [(index, round((score or 0) / FULL_SCORE, 3)) for index, score in told]


def test_version_1_has_it_in_body_and_header(process: WebProcess, client: Client) -> None:
    answer = client.predict("m", {"instances": ROWS})
    assert answer.json["prediction_id"] == answer.headers[HEADER]
    made = read(process, answer)
    assert (made.version, made.rows, made.shape.kind, made.shape.width) == (2, 2, Kind.CLASSES, 3)
    assert decided(made) == [(1, 0.7), (0, 0.9)]


@pytest.mark.parametrize(("model", "verb"), [("m", "classify"), ("number", "regress")])
def test_classes_and_numbers_have_it_too(
    process: WebProcess, client: Client, model: str, verb: str
) -> None:
    example = {"x": [0.1, 0.7, 0.2] if model == "m" else [2.5]}
    answer = client.post(f"/v1/models/{model}:{verb}", {"examples": [example]})
    assert answer.json["prediction_id"] == answer.headers[HEADER]
    made = read(process, answer, model)
    expected = (1, round(0.7 * FULL_SCORE)) if model == "m" else (b"\x40\x20\0\0", None)
    assert made.row(0) == expected


def test_version_2_has_it_among_the_parameters(process: WebProcess, client: Client) -> None:
    answer = client.infer("m", infer_body(ROWS))
    assert answer.json["parameters"] == {"prediction_id": answer.headers[HEADER]}
    assert decided(read(process, answer)) == [(1, 0.7), (0, 0.9)]


def test_binary_answers_have_it_in_their_json(process: WebProcess, client: Client) -> None:
    content = np.array(ROWS, np.float32).tobytes()
    binary = {"binary_data_size": len(content)}
    given = {"name": "x", "shape": [2, 3], "datatype": "FP32", "parameters": binary}
    record = {"inputs": [given], "parameters": {"binary_data_output": True}}
    answer = client.infer_raw("m", record, content)
    head = orjson.loads(answer.body[: int(answer.headers[LENGTH])])
    assert head["parameters"] == {"prediction_id": answer.headers[HEADER]}
    assert decided(read(process, answer)) == [(1, 0.7), (0, 0.9)]


def test_without_extra_keys_it_is_in_the_header_alone(way: Any, tmp_path: Path) -> None:
    with working(tmp_path, fakes(), extra_keys=False) as process, asking(way, process) as client:
        process.quality.keys.refresh()
        first = client.predict("m", {"instances": ROWS})
        second = client.infer("m", infer_body(ROWS))
        classes = client.post("/v1/models/m:classify", {"examples": [{"x": ROWS[0]}]})
        assert first.json.keys() == {"predictions"}
        assert second.json.keys() == {"model_name", "model_version", "outputs"}
        assert classes.json.keys() == {"results"}
        for answer in (first, second, classes):
            read(process, answer)


def test_large_batches_are_recorded(process: WebProcess, client: Client) -> None:
    made = read(process, client.predict("m", {"instances": MANY}))
    assert (made.rows, len(made.content or b"")) == (len(MANY), 3 * len(MANY))
    assert decided(made, 3) == [(1, 0.7), (0, 0.9), (1, 0.7)]


def test_what_no_label_is_compared_with_has_a_receipt_and_leaves_nothing(
    process: WebProcess, client: Client
) -> None:
    answer = client.predict("wide", {"instances": [np.ones((2, 20)).tolist()]})
    made = read(process, answer, "wide")
    assert (made.shape.kind, made.rows, made.content) == (Kind.NOTHING, 1, None)
    assert not recorded(process)


def test_two_answers_never_have_the_same(client: Client) -> None:
    body = {"instances": ROWS}
    assert len({client.predict("m", body).headers[HEADER] for _ in range(20)}) == 20


class TestOwnIds:
    def test_a_request_id_is_one(self, process: WebProcess, client: Client) -> None:
        answer = client.predict("m", {"instances": ROWS}, X_Request_Id="patient-7")
        (made,) = recorded(process, "patient-7").values()
        assert decided(made) == decided(read(process, answer))

    def test_so_is_the_id_in_a_body_of_version_2_which_goes_first(
        self, process: WebProcess, client: Client
    ) -> None:
        client.infer("m", infer_body(ROWS, id="patient-8"), X_Request_Id="trace-1")
        (made,) = recorded(process, "patient-8", "trace-1").values()
        assert (made.version, decided(made)) == (2, [(1, 0.7), (0, 0.9)])

    def test_so_is_that_of_a_binary_request(self, process: WebProcess, client: Client) -> None:
        content = np.array(ROWS, np.float32).tobytes()
        binary = {"binary_data_size": len(content)}
        given = {"name": "x", "shape": [2, 3], "datatype": "FP32", "parameters": binary}
        client.infer_raw("m", {"id": "patient-9", "inputs": [given]}, content)
        assert len(recorded(process, "patient-9")) == 1

    @pytest.mark.parametrize("own", ["a/b", "a b", "r1-5f0c9a3e-AAAA", "x" * 129])
    def test_what_could_be_mistaken_is_none(
        self, process: WebProcess, client: Client, own: str
    ) -> None:
        read(process, client.infer("m", infer_body(ROWS, id=own)))
        assert not recorded(process)

    def test_of_an_id_that_comes_again_the_latest_answer_counts(
        self, process: WebProcess, client: Client
    ) -> None:
        for rows in (ROWS, ROWS[::-1]):
            client.predict("m", {"instances": rows}, X_Request_Id="again")
        (made,) = recorded(process, "again").values()
        assert decided(made) == [(0, 0.9), (1, 0.7)]


def count(process: WebProcess) -> None:
    for slot in process.pool.slots():
        slot.served.flush()
    process.quality.recorder.flush()


def test_answered_rows_are_counted_by_the_hour(process: WebProcess, client: Client) -> None:
    client.predict("m", {"instances": ROWS})
    client.infer("m", infer_body(ROWS[:1]))
    client.predict("m", {"instances": [["no number"]]})
    count(process)
    (reading,) = process.quality.store.readings(model="m")
    assert (reading.version, reading.predicted) == (2, 3)
    ((confidence,),) = (one.values() for one in process.quality.store.confidences(model="m"))
    assert confidence.predicted.sum() == 3


def test_refused_requests_have_none(client: Client) -> None:
    for answer in (client.predict("m", {"instances": [[1]]}), client.predict("absent", {})):
        assert answer.status in (400, 404)
        assert HEADER not in answer.headers


def test_without_a_key_answers_go_on_without(way: Any, tmp_path: Path) -> None:
    with working(tmp_path, fakes()) as process, asking(way, process) as client:
        answer = client.predict("m", {"instances": ROWS}, X_Request_Id="early")
        assert HEADER not in answer.headers
        assert answer.json.keys() == {"predictions", "decisions", "model_version"}
        assert len(recorded(process, "early")) == 1


def test_they_can_be_switched_off(way: Any, tmp_path: Path) -> None:
    with working(tmp_path, fakes(), receipts=False) as process, asking(way, process) as client:
        process.quality.keys.refresh()
        answer = client.predict("m", {"instances": ROWS}, X_Request_Id="unwanted")
        assert HEADER not in answer.headers
        assert not recorded(process, "unwanted")
        assert not process.quality.store.readings(model="m")


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_canarys_answers_have_its_version_and_shadows_answer_nobody(
    way: Any, tmp_path: Path, share: float
) -> None:
    versions = {1: leaning(tmp_path, 9.0), 2: leaning(tmp_path, -9.0)}
    with worker(tmp_path, "m", versions) as process, asking(way, process) as client:
        process.quality.keys.refresh()
        direct(process, "m", 1, split=Split(2, share), shadow=2)
        answers = [client.post("/v1/models/m:predict", BODY), client.infer("m", INFER)]
        while process.shadow.step():
            pass
        expected = 2 if share else 1
        for answer in answers:
            made = read(process, answer)
            assert (made.version, made.row(0)[0]) == (expected, expected - 1)
        count(process)
        readings = process.quality.store.readings(model="m")
        assert {one.version: one.predicted for one in readings} == {expected: 2}


def test_while_the_database_cant_be_used_answers_go_on(way: Any, tmp_path: Path) -> None:
    with working(tmp_path, fakes()) as process, asking(way, process) as client:
        engine = open_database(process.settings.database)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE receipt_keys"))
            connection.execute(sa.text("DROP TABLE predictions"))
        engine.dispose()
        for now in range(3):
            answer = client.predict("m", {"instances": MANY}, X_Request_Id="away")
            process.quality.recorder.step(10.0 * now)
            assert (answer.status, HEADER in answer.headers) == (200, False)


def test_a_worker_reads_the_key_when_it_starts(process: WebProcess, client: Client) -> None:
    process.quality.start()
    answer = client.predict("m", {"instances": MANY}, X_Request_Id="last")
    read(process, answer)
    process.quality.close()
    assert len(recorded(process, "last")) == 1
