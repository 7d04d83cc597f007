"""Golden pairs: what clients of TensorFlow Serving send, and what they rely on getting back."""

from typing import Any

import numpy as np
import orjson
import pytest

from service.base.errors import RequestInvalid
from service.base.signature import STRING, Signature, Tensors, TensorSpec
from service.repository.model_config import ModelConfig
from service.web.exchange import Facts
from tests.web.v1.calls import decode, encode, facts

CHURN = facts(
    Signature(
        (TensorSpec("age", "int32", (None, 1)), TensorSpec("plan", "int32", (None, 1))),
        (TensorSpec("prob", "float32", (None, 1)), TensorSpec("klass", "int64", (None,))),
    )
)
PLAIN = facts(
    Signature((TensorSpec("x", "float32", (None, 2)),), (TensorSpec("y", "float32", (None, 2)),))
)
WORDS = facts(
    Signature(
        (TensorSpec("w", STRING, (None,)),),
        (TensorSpec("text", STRING, (None,)), TensorSpec("raw_bytes", STRING, (None,))),
    )
)
SWITCH = facts(
    Signature((TensorSpec("on", "bool", (None, 1)),), (TensorSpec("half", "float16", (None, 1)),))
)
CHURN_OUT = {"prob": np.array([[0.81], [0.07]], np.float32), "klass": np.array([1, 0])}

GOLDEN: list[tuple[Facts, str, Tensors, str]] = [
    (
        CHURN,
        '{"signature_name":"serving_default",'
        '"instances":[{"age":[41],"plan":[2]},{"age":[29],"plan":[0]}]}',
        CHURN_OUT,
        '{"predictions":[{"prob":[0.81],"klass":1},{"prob":[0.07],"klass":0}]}',
    ),
    (
        CHURN,
        '{"inputs":{"age":[[41],[29]],"plan":[[2],[0]],"more":"is ignored"}, "and": "so is this"}',
        CHURN_OUT,
        '{"outputs":{"prob":[[0.81],[0.07]],"klass":[1,0]}}',
    ),
    (
        PLAIN,
        '{"inputs":[[0.5,1.5]]}',
        {"y": np.array([[0.25, 0.75]], np.float32)},
        '{"outputs":[[0.25,0.75]]}',
    ),
    (
        PLAIN,
        '{"signature_name":"","instances":[{"x":[1,2]},{"x":[3,4]}]}',
        {"y": np.array([[1, 2e10], [0.1, -0.0]], np.float32)},
        '{"predictions":[[1.0,20000000000.0],[0.1,-0.0]]}',
    ),
    (
        WORDS,
        '{"instances":["grün",{"b64":"Z3LDvG4="}]}',
        {
            "text": np.array(["grün", "grün"], object),
            "raw_bytes": np.array([b"\xff", "grün"], object),
        },
        '{"predictions":[{"text":"grün","raw_bytes":{"b64":"/w=="}},'
        '{"text":"grün","raw_bytes":{"b64":"Z3LDvG4="}}]}',
    ),
    (
        SWITCH,
        '\n {"instances" : [[true], [false]]} \n',
        {"half": np.array([[0.5], [0.25]], np.float16)},
        '{"predictions":[[0.5],[0.25]]}',
    ),
]


@pytest.mark.parametrize(("of", "body", "outputs", "answer"), GOLDEN)
def test_predict_answers_to_the_letter(of: Facts, body: str, outputs: Tensors, answer: str) -> None:
    asked = decode(body.encode(), of)
    assert asked.rows == len(next(iter(outputs.values())))
    assert encode(asked, of, outputs).decode() == answer


ELEMENT = "Failed to process element: {} of 'instances' list. Error: {}"
REFUSED: list[tuple[Facts, str, list[str]]] = [
    (PLAIN, "", ["JSON Parse error: The document is empty"]),
    (PLAIN, '{"instances": [[1 2]]}', ["JSON Parse error: ", " at offset: 18"]),
    (PLAIN, "[1]", ["must be a JSON object, got a list"]),
    (PLAIN, "{}", ["Missing 'inputs' or 'instances' key"]),
    (PLAIN, '{"instances":[[1,2]],"inputs":[[1,2]]}', ["only one of 'inputs' or 'instances' keys"]),
    (PLAIN, '{"instances":[]}', ["instances: expected at least one instance"]),
    (PLAIN, '{"instances":{"x":[1,2]}}', ["instances: expected a list, got an object"]),
    (PLAIN, '{"inputs":3.5}', ["inputs: expected a list (shape (2,) for each instance), got 3.5"]),
    (PLAIN, '{"inputs":{"z":[[1,2]]}}', ["Missing named input: x in 'inputs' object."]),
    (CHURN, '{"inputs":[[1,2]]}', ["inputs: expected an object with every input by name"]),
    (PLAIN, '{"instances":[[1,2]],"signature_name":"s"}',
     ['Serving signature name: "s" not found in signature def']),
    (PLAIN, '{"instances":[[1,2]],"signature_name":1}', ["'signature_name' key must be a string"]),
    (PLAIN, '{"instances":[[1,2],[3]]}',
     [ELEMENT.format(1, "instances[1]: expected 2 elements, got 1")]),
    (PLAIN, '{"instances":[[1,"a\\"b"]]}',
     [ELEMENT.format(0, 'instances[0][1]: expected a number, got the string "a"b"'),
      'JSON Value: "a\\"b" Type: String is not of expected type: float']),
    (PLAIN, '{"inputs":[[1,null]]}',
     ["inputs[0][1]: expected a number", "JSON Value: null Type: Null is not of expected type"]),
    (PLAIN, '{"instances":[{"x":[1,true]}]}',
     ["Failed to process element: 0 key: x of 'instances' list. Error: instances[0].x[1]: ",
      "JSON Value: true Type: True is not of expected type: float"]),
    (CHURN, '{"instances":[{"age":[1.0],"plan":[2]}]}',
     ["element: 0 key: age of", "JSON Value: 1.0 Type: Number is not of expected type: int32"]),
    (CHURN, '{"instances":[{"age":[1]}]}',
     [ELEMENT.format(0, "instances[0]: expected an object with the inputs age, plan, got age")]),
    (CHURN, '{"instances":[[1,2]]}',
     [ELEMENT.format(0, "instances[0]: expected an object with the inputs age, plan, got a list")]),
    (SWITCH, '{"instances":[[1]]}', ["JSON Value: 1 Type: Number is not of expected type: bool"]),
    (WORDS, '{"instances":[5]}', ["JSON Value: 5 Type: Number is not of expected type: string"]),
    (WORDS, '{"instances":[{"b64":"?"}]}', ["base64", 'JSON Value: {"b64": "?"} Type: Object']),
    (PLAIN, '{"instances":[[1,1e39]]}', ["instances[0][1]: expected a number within the range"]),
]  # fmt: skip


@pytest.mark.parametrize(("of", "body", "texts"), REFUSED)
def test_predict_refuses_with_the_texts_that_clients_look_for(
    of: Facts, body: str, texts: list[str]
) -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode(body.encode(), of)
    assert caught.value.status == 400
    for text in texts:
        assert text in str(caught.value)


@pytest.mark.parametrize(
    "value", ["x" * 10_000, "ü" * 10_000, [[1] * 400] * 1000, {"a": "b" * 999}]
)
def test_a_large_value_is_shown_up_to_256_bytes(value: Any) -> None:
    with pytest.raises(RequestInvalid) as caught:
        decode({"instances": [[1, value]]}, PLAIN)
    shown = str(caught.value).split("JSON Value: ")[1].split(" Type: ")[0]
    assert 250 <= len(shown.encode()) <= 256


@pytest.mark.parametrize("extra_keys", [True, False])
def test_our_own_keys_can_be_left_out(extra_keys: bool) -> None:
    output = TensorSpec("y", "float32", (None, 2), activation="softmax")
    of = facts(
        Signature(PLAIN.signature.inputs, (output,)),
        ModelConfig(labels=("cat", "dog")),
        extra_keys=extra_keys,
    )
    scores = {"y": np.array([[0.25, 0.75]], np.float32)}

    answer = orjson.loads(encode(decode({"instances": [[1, 2]]}, of), of, scores))

    expected: dict[str, Any] = {"predictions": [[0.25, 0.75]]}
    if extra_keys:
        decision = {"class_index": 1, "label": "dog", "score": 0.75, "margin": 0.5}
        expected |= {"decisions": [decision], "model_version": "7"}
    assert answer == expected


def test_decisions_over_numbers_that_are_not_finite_are_no_null() -> None:
    output = TensorSpec("y", "float32", (None, 2), activation="softmax")
    of = facts(
        Signature(PLAIN.signature.inputs, (output,)),
        ModelConfig(allow_non_finite=True),
        extra_keys=True,
    )
    scores = {"y": np.array([[0.25, np.nan], [np.inf, 1]], np.float32)}
    content = encode(decode({"instances": [[1, 2]]}, of), of, scores)
    assert b"null" not in content
    assert b'"predictions":[[0.25,NaN],[Infinity,1.0]]' in content
