"""What an architecture may name, and what it may not."""

from typing import Any

import pytest

from service.loading.allowed import find_hazards
from tests.loading.handmade import Json, layer, modern_layer, sequential, tiny

NOTHING: tuple[list[str], list[str]] = ([], [])


def _operation(module: str, name: str, *arguments: Any) -> Json:
    """A tensor operation as Keras 3 records one in a functional model."""
    tensor = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 5, 4], "dtype": "float32", "keras_history": ["x", 0, 0]},
    }
    return {
        "module": module,
        "class_name": name,
        "config": {"name": name.lower()},
        "registered_name": name,
        "inbound_nodes": [{"args": [tensor, *arguments], "kwargs": {}}],
    }


def _function(name: Any, module: Any = "builtins") -> Json:
    return {
        "module": module,
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def test_a_plain_model_is_harmless() -> None:
    assert find_hazards(tiny()) == NOTHING


@pytest.mark.parametrize(
    "item",
    [
        layer("LSTM", activation="tanh", recurrent_activation="hard_sigmoid"),
        layer("Bidirectional", layer=layer("GRU", activation="tanh")),
        layer("Sequential", layers=[layer("Dense", kernel_initializer={"class_name": "Zeros"})]),
        modern_layer("Dense", dtype={"module": "keras", "class_name": "DTypePolicy", "config": {}}),
        modern_layer("Activation", activation=_function("relu", "keras.activations")),
        modern_layer("StringLookup", vocabulary=["a", "b"]),
        {**layer("Dense"), "module": "tensorflow.python.keras.layers.core"},
        {**layer("Functional"), "module": "tf_keras.src.engine.functional"},
    ],
)
def test_what_keras_itself_has_is_harmless(item: Json) -> None:
    assert find_hazards(sequential(item)) == NOTHING


@pytest.mark.parametrize("name", ["Lambda", "__lambda__"])
def test_a_lambda_is_a_hazard_wherever_it_hides(name: str) -> None:
    hidden = layer("TimeDistributed", layer=layer(name, name="evil", function=["code", None]))

    (hazard,), custom = find_hazards(sequential(layer("Dense"), hidden))

    assert "model.config.layers[1].config.layer (layer 'evil')" in hazard
    assert "bytecode" in hazard
    assert custom == []


@pytest.mark.parametrize(
    "item",
    [
        _function("system", "os"),
        _function("relu", "os"),
        _function("os.system"),
        _function("eval"),
        _function(["relu"]),
        _function("relu", ["os"]),
        _function("load_model", "keras.models"),
    ],
)
def test_a_function_that_is_no_activation_is_a_hazard(item: Json) -> None:
    (hazard,), _ = find_hazards(sequential(modern_layer("Activation", activation=item)))

    assert "names the function" in hazard


@pytest.mark.parametrize("class_name", [["Lambda"], {"a": 1}, 7, None])
def test_a_class_must_be_named_by_a_text(class_name: Any) -> None:
    (hazard,), _ = find_hazards(sequential({"class_name": class_name, "config": {}}))

    assert "class_name is no text" in hazard


@pytest.mark.parametrize(
    "item",
    [
        layer("MyLayer"),
        {**layer("MyLayer"), "module": "builtins", "registered_name": "mine>MyLayer"},
        {**layer("MyLayer"), "module": "keras.layers"},
    ],
)
def test_a_class_that_keras_does_not_have_is_custom(item: Json) -> None:
    assert find_hazards(sequential(item)) == ([], ["MyLayer"])


@pytest.mark.parametrize("module", ["os", "subprocess", "keras_hub.layers", "kerasx", ["keras"]])
def test_a_known_name_from_a_foreign_module_is_custom(module: Any) -> None:
    assert find_hazards(sequential({**layer("Dense"), "module": module})) == ([], ["Dense"])


def test_a_known_name_registered_by_somebody_else_is_custom() -> None:
    impostor = {**modern_layer("Dense"), "registered_name": "mine>Dense"}

    assert find_hazards(sequential(impostor)) == ([], ["Dense"])


@pytest.mark.parametrize("key", ["activation", "recurrent_activation"])
def test_an_activation_that_keras_does_not_have_is_custom(key: str) -> None:
    assert find_hazards(sequential(layer("LSTM", **{key: "my_swish"}))) == ([], ["my_swish"])


@pytest.mark.parametrize("path", ["/etc/passwd", "https://example.org/words.txt"])
def test_a_vocabulary_to_be_fetched_is_a_hazard(path: str) -> None:
    (hazard,), _ = find_hazards(sequential(modern_layer("TextVectorization", vocabulary=path)))

    assert "vocabulary names a file" in hazard


def test_operations_on_tensors_are_harmless() -> None:
    whole = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}

    # x[:, -1] and x * 2, as they are written in functional models
    last = _operation("keras.src.ops.numpy", "GetItem", [whole, -1])
    twice = _operation("keras.src.ops.numpy", "Multiply", 2)

    assert find_hazards(sequential(last, twice)) == NOTHING


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.src.ops.core", "Map"),  # takes a function
        ("keras.src.ops.core", "While"),
        ("keras.src.ops.operation", "Operation"),
        ("keras.src.ops.numpy.evil", "Matmul"),
        ("keras.src.ops.numpy", "load"),  # no class of operations begins with a small letter
        ("keras.ops", "Matmul"),
        ("os", "Matmul"),
    ],
)
def test_nothing_else_passes_for_an_operation(module: str, name: str) -> None:
    _, custom = find_hazards(sequential(_operation(module, name, 2)))

    assert custom == [name]


@pytest.mark.parametrize(
    "argument",
    [
        _function("system", "os"),
        [{"deep": _function("eval")}],
        layer("__lambda__", value="code"),
    ],
)
def test_arguments_of_a_call_can_not_smuggle_functions(argument: Any) -> None:
    hazards, _ = find_hazards(sequential(_operation("keras.src.ops.numpy", "Add", argument)))

    assert len(hazards) == 1
    assert "inbound_nodes" in hazards[0]


def test_every_hazard_is_told() -> None:
    hazards, custom = find_hazards(
        sequential(layer("Lambda", name="a"), layer("Mine"), layer("Lambda", name="b"))
    )

    assert len(hazards) == 2
    assert custom == ["Mine"]


def test_depth_does_no_harm() -> None:
    config: Any = layer("Lambda")
    for _ in range(20_000):
        config = [config]

    hazards, _ = find_hazards(config)

    assert len(hazards) == 1
