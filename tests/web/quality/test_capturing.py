"""Inputs are captured on both ways in and in both protocols, and found again by their labels."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.signature import Signature, TensorSpec
from service.capture.choice import Choice
from service.capture.decoding import CapturedRows
from service.capture.feedback import LiveRows, choose
from service.capture.wanted import Wanted
from service.recipe.retraining import Retraining
from service.repository.model_config import Capture, ModelConfig
from service.repository.states import State, VersionRow
from service.web.process import WebProcess
from service.web.quality.capturing import capture_terms
from tests.capture.everything import captured
from tests.fakes import FLOAT_SIGNATURE, FakeVersion
from tests.web.client import Client, asking, row, working

HEADER = "x-prediction-id"
CAPTURED = ModelConfig(labels=("a", "b", "c"), capture=Capture(fraction=1))
ROWS = [[0.1, 0.7, 0.2], [0.9, 0.05, 0.05]]
WANTED = Wanted(FLOAT_SIGNATURE, "classes", 3, ("a", "b", "c"))
BATCHED = Signature(
    (TensorSpec("x", "float32", (None, 30, 3)),), (TensorSpec("y", "float32", (None, 30, 3)),)
)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WebProcess]:
    fakes = {"m": FakeVersion(), "off": FakeVersion(), "wide": FakeVersion(BATCHED)}
    configs = {"m": CAPTURED, "wide": ModelConfig(capture=Capture(fraction=1))}
    with working(tmp_path, fakes, configs) as process:
        process.quality.keys.refresh()
        process.quality.capture.step(0.0)
        yield process


def kept(process: WebProcess, model: str = "m") -> list[CapturedRows]:
    process.quality.capture.flush()
    gone = process.quality.store.forgotten
    return list(captured(process.settings.capture_dir, model, forgotten=lambda: gone(model)))


def infer_body(rows: list[list[float]], **more: object) -> dict[str, object]:
    shape = list(np.shape(rows))
    given = {"name": "x", "shape": shape, "datatype": "FP32", "data": rows}
    return {"inputs": [given], **more}


def test_version_1(process: WebProcess, client: Client) -> None:
    answer = client.predict("m", {"instances": ROWS})
    (rows,) = kept(process)
    receipt = process.quality.receipts.read(answer.headers[HEADER])
    assert rows.inputs["x"].tolist() == np.array(ROWS, np.float32).tolist()
    assert rows.ids.prediction.tobytes() == receipt.prediction.id * 2  # type: ignore[union-attr]
    assert rows.ids.at.tolist() == [receipt.prediction.at] * 2  # type: ignore[union-attr]
    assert rows.ids.row.tolist() == [0, 1]
    assert (rows.form.model, rows.form.version) == ("m", 2)
    assert rows.classes.tolist() == [1, 0]
    assert rows.scores.tolist() == pytest.approx([0.7, 0.9])


def test_examples_and_version_2_in_json_and_binary(process: WebProcess, client: Client) -> None:
    client.post("/v1/models/m:classify", {"examples": [{"x": ROWS[0]}]})
    client.infer("m", infer_body(ROWS))
    content = np.array(ROWS, np.float32).tobytes()
    binary = {"binary_data_size": len(content)}
    given = {"name": "x", "shape": [2, 3], "datatype": "FP32", "parameters": binary}
    client.infer_raw("m", {"inputs": [given]}, content)
    (rows,) = kept(process)
    wanted = np.array([ROWS[0], *ROWS, *ROWS], np.float32)
    assert rows.inputs["x"].tolist() == wanted.tolist()


def test_a_label_finds_its_inputs_by_receipt_and_by_the_clients_own_id(
    process: WebProcess, client: Client
) -> None:
    batch = client.predict("m", {"instances": ROWS}).headers[HEADER]
    client.predict("m", {"instances": ROWS[:1]}, X_Request_Id="order-7")
    client.infer("m", infer_body(ROWS, id="order-8"))
    process.quality.recorder.flush()
    labels = {f"{batch}/1": "c", "order-7": "a", "order-8/0": "b", "order-8/1": 2}
    sent = [{"prediction_id": name, "label": label} for name, label in labels.items()]
    answer = client.post("/v1/models/m:feedback", {"feedback": sent})
    assert answer.json["outcomes"] == {"accepted": 4}
    process.quality.capture.flush()
    live = LiveRows(process.settings.capture_dir, process.quality.store, "m")
    keys, truth, counted = choose(live, WANTED, Choice())
    assert sorted(truth.tolist()) == [0, 1, 2, 2]
    assert len(np.unique(keys)) == 4
    assert (counted.rows, counted.labelled) == (4, 4)


def test_what_is_forgotten_is_out_of_sight_when_that_was_answered(
    process: WebProcess, client: Client
) -> None:
    first = client.predict("m", {"instances": ROWS}).headers[HEADER]
    client.predict("m", {"instances": ROWS[1:]}, X_Request_Id="order-7")
    client.predict("m", {"instances": ROWS[:1]})
    assert sum(map(len, kept(process))) == 4
    body = {"prediction_ids": [f"{first}/0", "order-7"]}
    assert client.post("/v1/models/m:forget", body).json["forgotten"] == 2
    (rows,) = kept(process)
    assert rows.inputs["x"].tolist() == np.array(ROWS[:1], np.float32).tolist()


def test_nothing_is_kept_of_models_without_it_or_that_no_label_is_compared_with(
    process: WebProcess, client: Client
) -> None:
    client.predict("off", {"instances": ROWS})
    client.predict("wide", {"instances": [[[0.0] * 3] * 30]})
    process.quality.capture.flush()
    assert not process.settings.capture_dir.exists()


def test_requests_that_are_refused_leave_nothing(process: WebProcess, client: Client) -> None:
    assert client.predict("m", {"instances": [[1, 2]]}).status == 400
    assert kept(process) == []


def test_the_terms_change_without_the_version_being_loaded_anew(
    process: WebProcess, client: Client
) -> None:
    slot = next(slot for slot in process.pool.slots() if slot.model == "off")
    told = ModelConfig(capture=Capture(fraction=1))
    rows = [row("off", config=told), row("m")]
    process.reloader.store.replace(rows)
    process.reloader.step(1.0)
    process.quality.capture.step(1.0)
    assert next(one for one in process.pool.slots() if one.model == "off") is slot
    client.predict("off", {"instances": ROWS})
    client.predict("m", {"instances": ROWS})
    assert len(kept(process, "off")[0]) == 2
    assert kept(process) == []


def test_labelled_instances_are_all_kept_if_any_inputs_are(way: Any, tmp_path: Path) -> None:
    few = ModelConfig(labels=("a", "b", "c"), capture=Capture(fraction=1e-12))
    with working(tmp_path, {"m": FakeVersion()}, {"m": few}) as process:
        process.quality.keys.refresh()
        process.quality.capture.step(0.0)
        with asking(way, process) as client:
            client.predict("m", {"instances": ROWS})
            body = {"instances": ROWS * 2, "labels": [0, 1, 2, 0]}
            client.post("/v1/models/m:feedback", body)
            assert sum(map(len, kept(process))) == 4
            live = LiveRows(process.settings.capture_dir, process.quality.store, "m")
            _, truth, _ = choose(live, WANTED, Choice())
            assert truth.tolist() == [0, 1, 2, 0]


def test_without_receipts_nothing_is_captured(way: Any, tmp_path: Path) -> None:
    with working(tmp_path, {"m": FakeVersion()}, {"m": CAPTURED}, receipts=False) as process:
        process.quality.capture.step(0.0)
        with asking(way, process) as client:
            client.predict("m", {"instances": ROWS})
        assert kept(process) == []


def test_who_keeps_no_inputs_captures_none(way: Any, tmp_path: Path) -> None:
    with working(tmp_path, {"m": FakeVersion()}, {"m": CAPTURED}, capture_mb=0) as process:
        process.quality.capture.step(0.0)
        with asking(way, process) as client:
            client.predict("m", {"instances": ROWS})
        assert kept(process) == []


def test_the_terms_are_those_of_the_newest_version_and_know_the_columns_of_tables() -> None:
    columns = {"data": {"file": "rows.csv", "columns": {"features": ["a", "b", "c"]}}}
    config = ModelConfig(
        capture=Capture(fraction=0.5, drop=("b",)), retrain=Retraining.model_validate(columns)
    )
    rows = [
        VersionRow("m", 11, State.RETIRED),
        VersionRow("m", 10, State.READY, config=config),
        VersionRow("m", 9, State.READY),
        VersionRow("n", 1, State.FAILED),
    ]
    terms = capture_terms(rows)
    assert terms.keys() == {"m", "n"}
    assert (terms["m"].fraction, terms["m"].drop) == (0.5, ("b",))
    assert terms["m"].features == ("a", "b", "c")
    assert terms["n"].threshold == 0
