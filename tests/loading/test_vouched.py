"""Lambdas of Keras 2 in the form of Keras 3, without their code being touched."""

from service.loading.vouched import with_lambdas
from tests.loading.handmade import layer, sequential

CODE = ["4wEAAAA=", [1], None]


def test_code_is_handed_on_whole() -> None:
    old = layer(
        "Lambda", name="f", function=CODE, function_type="lambda", module="m", output_shape=None,
        output_shape_type="raw", output_shape_module=None, arguments={"a": 1},
    )  # fmt: skip

    (new,) = with_lambdas(sequential(old))["config"]["layers"]

    assert (new["module"], new["registered_name"]) == ("keras.layers", None)
    assert new["config"] == {
        "name": "f",
        "function": {
            "class_name": "__lambda__",
            "config": {"code": CODE, "defaults": None, "closure": None},
        },
        "arguments": {"a": 1},
    }


def test_named_functions_and_given_shapes_stay() -> None:
    old = layer("Lambda", function="relu", function_type="function", output_shape=[3])

    (new,) = with_lambdas(sequential(old))["config"]["layers"]

    assert new["config"] == {"function": "relu", "output_shape": [3]}


def test_what_is_no_lambda_stays_as_it_is() -> None:
    config = sequential(layer("Dense", function=CODE))

    assert with_lambdas(config) == config
