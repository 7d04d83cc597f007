"""What an inference request means and how it is answered: pairs of requests and responses."""

import time
from typing import Any

import numpy as np
import orjson
import pytest

from service.base.errors import RequestInvalid
from service.base.signature import STRING, Signature, TensorSpec
from service.repository.model_config import ModelConfig
from tests.web.v2.asking import (
    FLOATS,
    answer,
    binary_call,
    call,
    decode,
    echoing,
    facts,
    join_texts,
    json_call,
    one_binary,
    one_input,
    read,
)

CHURN = Signature(
    (TensorSpec("x", "float32", (None, 2)),),
    (TensorSpec("probs", "float32", (None, 3)), TensorSpec("klass", "int64", (None,))),
)
PROBS = np.array([[0.2, 0.7, 0.1], [0.9, 0.06, 0.04]], np.float32)
OUTPUTS = {"probs": PROBS, "klass": np.array([1, 0])}
LABELLED = ModelConfig(task="multiclass", labels=("stay", "leave", "unsure"))
ROWS = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)
TWO_ROWS = one_input([0.1, 0.2, 0.3, 0.4], [2, 2])


class TestContract:
    def test_json_with_named_outputs_and_classification(self) -> None:
        wanted = [{"name": "klass"}, {"name": "probs", "parameters": {"classification": 2}}]
        asked = json_call({"id": "q-91", **TWO_ROWS, "outputs": wanted})
        reply = answer(asked, facts(CHURN, LABELLED), OUTPUTS)
        assert reply.content_type == "application/json"
        assert reply.headers == ()
        texts = ["0.700000:1:leave", "0.200000:0:stay", "0.900000:0:stay", "0.060000:1:leave"]
        assert orjson.loads(reply.content) == {
            "id": "q-91",
            "model_name": "churn",
            "model_version": "7",
            "outputs": [
                {"name": "klass", "datatype": "INT64", "shape": [2], "data": [1, 0]},
                {"name": "probs", "datatype": "BYTES", "shape": [2, 2], "data": texts},
            ],
        }

    def test_binary_both_ways(self) -> None:
        record = {**one_binary(8, [1, 2]), "parameters": {"binary_data_output": True}}
        asked = binary_call(record, np.array([0.5, 1.5], "<f4").tobytes())
        reply = answer(asked, facts(), {"probs": PROBS[:1]})
        described = {
            "name": "probs",
            "datatype": "FP32",
            "shape": [1, 3],
            "parameters": {"binary_data_size": 12},
        }
        record = {"model_name": "churn", "model_version": "7", "outputs": [described]}
        header = orjson.dumps(record)
        assert reply.content == header + PROBS[:1].tobytes()
        assert reply.content_type == "application/octet-stream"
        assert reply.headers == (("Inference-Header-Content-Length", str(len(header))),)

    def test_without_named_outputs_all_come_in_the_models_order(self) -> None:
        record = read(answer(json_call(TWO_ROWS), facts(CHURN), OUTPUTS)).record
        assert [item["name"] for item in record["outputs"]] == ["probs", "klass"]
        assert "id" not in record

    def test_a_flag_of_an_output_beats_that_of_the_request(self) -> None:
        wanted = [{"name": "klass", "parameters": {"binary_data": False}}, {"name": "probs"}]
        asked = json_call(
            {**TWO_ROWS, "outputs": wanted, "parameters": {"binary_data_output": True}}
        )
        got = read(answer(asked, facts(CHURN), OUTPUTS))
        assert list(got.blobs) == ["probs"]

    def test_classification_can_be_binary(self) -> None:
        parameters = {"classification": 1, "binary_data": True}
        asked = json_call({**TWO_ROWS, "outputs": [{"name": "probs", "parameters": parameters}]})
        got = read(answer(asked, facts(CHURN), OUTPUTS))
        assert got.record["outputs"][0]["shape"] == [2, 1]
        assert got.tensor("probs", STRING).tolist() == [["0.700000:1"], ["0.900000:0"]]

    def test_null_stands_for_a_key_that_is_not_there(self) -> None:
        described = {**TWO_ROWS["inputs"][0], "parameters": None}
        asked = json_call({"id": None, "parameters": None, "inputs": [described], "outputs": None})
        assert read(answer(asked, facts(CHURN), OUTPUTS)).record["model_name"] == "churn"


class TestDecode:
    @pytest.mark.parametrize("data", [[0.1, 0.2, 0.3, 0.4], [[0.1, 0.2], [0.3, 0.4]]])
    def test_data_may_be_flat_or_nested(self, data: Any) -> None:
        asked = decode(json_call(one_input(data, [2, 2])), facts())
        assert asked.rows == 2
        assert asked.inputs["x"].dtype == np.float32
        assert np.array_equal(asked.inputs["x"], ROWS)

    def test_data_may_be_nested_otherwise_than_the_shape(self) -> None:
        asked = decode(
            json_call(one_input([[1, 2, 3, 4]], [1, 2, 2])),
            facts(echoing("float32", (None, 2, 2))),
        )
        assert asked.inputs["x"].tolist() == [[[1, 2], [3, 4]]]

    @pytest.mark.parametrize("spaces", range(4))
    def test_binary_numbers_are_aligned_wherever_they_lie(self, spaces: int) -> None:
        header = orjson.dumps(one_binary(16, [2, 2])) + b" " * spaces
        asked = decode(call(header + ROWS.tobytes(), len(header)), facts())
        assert asked.inputs["x"].flags.aligned
        assert np.array_equal(asked.inputs["x"], ROWS)

    def test_binary_and_json_inputs_may_be_mixed_in_any_order(self) -> None:
        signature = Signature(
            (TensorSpec("a", "float32", (None,)), TensorSpec("b", STRING, (None, 1))),
            FLOATS.outputs,
        )
        size = {"binary_data_size": 12}
        described = [
            {"name": "b", "shape": [2, 1], "datatype": "BYTES", "parameters": size},
            {"name": "a", "shape": [2], "datatype": "FP32", "data": [1, 2.5]},
        ]
        asked = decode(
            binary_call({"inputs": described}, join_texts(["é", "zz"])), facts(signature)
        )
        assert asked.inputs["a"].tolist() == [1, 2.5]
        assert asked.inputs["b"].tolist() == [["é"], ["zz"]]

    def test_any_byte_but_zero_is_true(self) -> None:
        asked = decode(
            binary_call(one_binary(2, [1, 2], "BOOL"), b"\x00\xff"), facts(echoing("bool"))
        )
        assert asked.inputs["x"].tolist() == [[False, True]]

    def test_a_timeout_makes_the_deadline_earlier_but_never_later(self) -> None:
        soon = json_call({**TWO_ROWS, "parameters": {"timeout": 250_000}})
        late = json_call({**TWO_ROWS, "parameters": {"timeout": 2**63}})
        before = late.deadline
        decode(soon, facts())
        decode(late, facts())
        assert soon.deadline <= time.monotonic() + 0.25
        assert late.deadline == before

    def test_sequences_priorities_and_own_parameters_are_taken(self) -> None:
        parameters = {
            "sequence_id": 3, "sequence_start": True, "sequence_end": False, "priority": 2,
            "headers": {"a": "b"}, "mine": 1.5, "content_type": "np",
        }  # fmt: skip
        assert decode(json_call({**TWO_ROWS, "parameters": parameters}), facts()).rows == 2


class TestRaw:
    def test_the_only_free_axis_follows_from_the_size(self) -> None:
        asked = decode(call(ROWS.tobytes(), 0), facts(echoing("float32", (None, None, 2))))
        assert asked.rows == 1
        assert np.array_equal(asked.inputs["x"], ROWS[np.newaxis])

    def test_a_whole_body_is_one_text(self) -> None:
        asked = decode(call("né".encode(), 0), facts(echoing(STRING, (None, 1))))
        assert asked.inputs["x"].tolist() == [["né"]]

    def test_every_output_is_binary(self) -> None:
        outputs = {name: array[:1] for name, array in OUTPUTS.items()}
        got = read(answer(call(ROWS[:1].tobytes(), 0), facts(CHURN), outputs))
        assert np.array_equal(got.tensor("probs", "float32"), PROBS[:1])
        assert got.tensor("klass", "int64").tolist() == [1]


class TestDecisions:
    def test_they_come_after_the_models_own_outputs(self) -> None:
        labelled = facts(FLOATS, LABELLED, extra_keys=True)
        got = read(answer(json_call(TWO_ROWS), labelled, {"probs": PROBS}))
        assert got.record["outputs"][1:] == [
            {"name": "class_index", "datatype": "INT64", "shape": [2], "data": [1, 0]},
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["leave", "stay"]},
            {"name": "score", "datatype": "FP32", "shape": [2], "data": [0.7, 0.9]},
        ]

    def test_they_can_be_asked_for_by_name_and_in_binary(self) -> None:
        wanted = [{"name": "label", "parameters": {"binary_data": True}}]
        labelled = facts(FLOATS, LABELLED, extra_keys=True)
        got = read(answer(json_call({**TWO_ROWS, "outputs": wanted}), labelled, {"probs": PROBS}))
        assert got.blobs == {"label": join_texts(["leave", "stay"])}

    def test_there_is_no_label_without_labels(self) -> None:
        got = read(answer(json_call(TWO_ROWS), facts(extra_keys=True), {"probs": PROBS}))
        names = [item["name"] for item in got.record["outputs"]]
        assert names == ["probs", "class_index", "score"]

    def test_they_leave_the_models_own_names_alone(self) -> None:
        signature = Signature(
            FLOATS.inputs, (*FLOATS.outputs, TensorSpec("score", "float32", (None,)))
        )
        outputs = {"probs": PROBS, "score": np.array([5, 6], np.float32)}
        got = read(answer(json_call(TWO_ROWS), facts(signature, extra_keys=True), outputs))
        assert got.tensor("score", "float32").tolist() == [5, 6]
        assert np.array_equal(got.tensor("decision_score", "float32"), PROBS.max(axis=1))

    def test_strict_clients_do_not_meet_them(self) -> None:
        wanted = {**TWO_ROWS, "outputs": [{"name": "score"}]}
        with pytest.raises(RequestInvalid, match="unexpected inference output 'score'"):
            decode(json_call(wanted), facts(extra_keys=False))


class TestNonFinite:
    ALLOWED = facts(echoing("float32"), ModelConfig(allow_non_finite=True))

    def test_bare_tokens_come_in_where_the_model_allows_them(self) -> None:
        body = orjson.dumps(one_input([1, 2], [1, 2])).replace(b"[1,2]}", b"[NaN,-Infinity]}")
        got = decode(call(body), self.ALLOWED).inputs["x"]
        assert np.array_equal(got, [[np.nan, -np.inf]], equal_nan=True)
        with pytest.raises(RequestInvalid, match="failed to parse the request JSON buffer"):
            decode(call(body), facts(echoing("float32")))

    def test_bare_tokens_go_out(self) -> None:
        outputs = {"y": np.array([[np.nan, 0.1], [np.inf, -np.inf]], np.float32)}
        reply = answer(json_call(TWO_ROWS), self.ALLOWED, outputs)
        assert b'"data":[NaN,0.1,Infinity,-Infinity]' in reply.content

    def test_raw_numbers_are_looked_at_too(self) -> None:
        asked = binary_call(one_binary(8, [1, 2]), np.array([1, np.nan], "<f4").tobytes())
        with pytest.raises(RequestInvalid, match=r"inputs\[0\].data\[0\]\[1\]: expected a number"):
            decode(asked, facts())
        assert np.isnan(decode(asked, self.ALLOWED).inputs["x"][0, 1])
