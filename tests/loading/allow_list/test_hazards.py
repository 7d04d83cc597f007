"""What an architecture may name, and what it may not."""

from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.allow_list.hazards import Findings, scan_architecture, scan_training
from tests.loading.handmade import layer, modern_layer, sequential, tiny

NOTHING = Findings()


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


def _hazards(config: Json) -> tuple[str, ...]:
    return scan_architecture(config).hazards


def test_a_plain_model_is_harmless() -> None:
    assert scan_architecture(tiny()) == NOTHING


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
    assert scan_architecture(sequential(item)) == NOTHING


@pytest.mark.parametrize("name", ["Lambda", "__lambda__"])
def test_a_lambda_is_a_hazard_wherever_it_hides(name: str) -> None:
    hidden = layer("TimeDistributed", layer=layer(name, name="evil", function=["code", None]))

    found = scan_architecture(sequential(layer("Dense"), hidden))

    (told,) = found.lambdas
    assert "model.config.layers[1].config.layer (layer 'evil')" in told
    assert "bytecode" in told
    assert (found.hazards, found.custom) == ((), ())


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
    (hazard,) = _hazards(sequential(modern_layer("Activation", activation=item)))

    assert "names the function" in hazard


@pytest.mark.parametrize(
    "item",
    [
        modern_layer("Activation", activation=_function("kerasd>legacy_hard_sigmoid")),
        {
            **layer("ThresholdedReLU", theta=1.0),
            "module": "service.loading.legacy_layers",
            "registered_name": "kerasd>ThresholdedReLU",
        },
    ],
)
def test_what_kerasd_itself_has_registered_is_known_again(item: Json) -> None:
    assert scan_architecture(sequential(item)) == Findings()


@pytest.mark.parametrize(
    ("class_name", "registered"),
    [
        ("Sequential", "Lambda"),
        ("Functional", "ClassMethod"),
        ("ClassMethod", "kerasd>ThresholdedReLU"),
        ("Evil", "mine>Scale"),
    ],
)
def test_a_class_registered_under_another_name_is_a_hazard(
    class_name: str, registered: str
) -> None:
    item = {**layer(class_name), "registered_name": registered}

    for module in (None, "tf_keras.src.layers.core.lambda_layer"):
        found = scan_architecture(sequential({**item, "module": module}))
        assert any("but registered as" in text for text in found.hazards), module


@pytest.mark.parametrize("module", ["pydoc", "subprocess", "tf_keras.src.layers"])
def test_a_function_of_ours_comes_from_us_alone(module: str) -> None:
    for name in ("legacy_hard_sigmoid", "kerasd>legacy_hard_sigmoid"):
        assert _hazards(sequential(layer("Activation", activation=_function(name, module))))


@pytest.mark.parametrize("class_name", [["Lambda"], {"a": 1}, 7, None])
def test_a_class_must_be_named_by_a_text(class_name: Any) -> None:
    (hazard,) = _hazards(sequential({"class_name": class_name, "config": {}}))

    assert "class_name is no text" in hazard


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (layer("MyLayer"), "MyLayer"),
        (layer("MyLayer", module="my_package.layers"), "MyLayer"),
        (
            {**layer("MyLayer"), "module": "builtins", "registered_name": "mine>MyLayer"},
            "mine>MyLayer",
        ),
        ({**layer("Dense"), "module": "keras_hub.layers"}, "Dense"),
        ({**layer("Dense"), "module": "kerasx"}, "Dense"),
    ],
)
def test_a_class_that_keras_does_not_have_is_custom(item: Json, name: str) -> None:
    assert scan_architecture(sequential(item)) == Findings(custom=(name,))


@pytest.mark.parametrize(
    "module", ["os", "subprocess", ["keras"], "keras.src.saving.saving_lib_test"]
)
def test_a_class_of_python_or_of_the_inside_of_keras_is_a_hazard(module: Any) -> None:
    (hazard,) = _hazards(sequential({**layer("Dense"), "module": module}))

    assert "isn't allowed" in hazard


@pytest.mark.parametrize("name", ["TorchModuleWrapper", "TFSMLayer", "Layer"])
def test_a_class_of_keras_that_no_model_needs_is_a_hazard(name: str) -> None:
    (hazard,) = _hazards(sequential({**layer(name), "module": "keras.layers"}))

    assert f"keras.layers.{name}, which isn't allowed" in hazard


def test_an_argument_that_the_class_does_not_take_hints_at_a_custom_class() -> None:
    found = scan_architecture(
        sequential(layer("LayerNormalization", name="norm", theta=1, colour=2))
    )

    assert found.custom == ("LayerNormalization",)
    assert "layer 'norm'" in found.odd_arguments[0]
    assert "'colour'" in found.odd_arguments[0]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a\nb", "a\x1b[31mb", "<b>x</b>", "a" * 300, "a\\b"]
)
def test_a_name_that_leads_somewhere_is_a_hazard(name: str) -> None:
    (hazard,) = _hazards(sequential(layer("Dense", name=name)))

    assert "isn't one that a layer may have" in hazard
    assert hazard.isprintable()


@pytest.mark.parametrize("name", ["cqt/mag", "größe", "tf.__operators__.add", "dense 1"])
def test_names_of_real_files_are_harmless(name: str) -> None:
    assert scan_architecture(sequential(layer("Dense", name=name))) == Findings()


@pytest.mark.parametrize("name", ["math.add", "nn.relu", "__operators__.getitem"])
def test_functions_of_tensorflow_that_only_compute_are_harmless(name: str) -> None:
    assert scan_architecture(sequential(layer("TFOpLambda", function=name))) == Findings()


@pytest.mark.parametrize("name", ["io.write_file", "py_function", "numpy_function", None, ["x"]])
def test_other_functions_of_tensorflow_are_hazards(name: Any) -> None:
    (hazard,) = _hazards(sequential(layer("TFOpLambda", function=name)))

    assert "names TensorFlow's function" in hazard


@pytest.mark.parametrize(
    "node", [{"op": "ReadFile"}, {"op": "PyFunc"}, {"op": ["Mul"]}, "Mul", None]
)
def test_other_operations_of_tensorflow_are_hazards(node: Any) -> None:
    (hazard,) = _hazards(sequential(layer("TensorFlowOpLayer", node_def=node)))

    assert "names TensorFlow's operation" in hazard


def test_operations_of_tensorflow_that_only_compute_are_harmless() -> None:
    item = layer("TensorFlowOpLayer", name="mul", node_def={"op": "Mul"}, constants={"1": 2.0})

    assert scan_architecture(sequential(item)) == Findings()


def test_code_in_the_training_configuration_is_found() -> None:
    hidden = {"loss": {"class_name": "__lambda__", "config": {"code": "4wEAAA=="}}}

    assert len(scan_training(hidden).lambdas) == 1


def test_a_function_of_python_in_the_training_configuration_is_a_hazard() -> None:
    assert scan_training({"metrics": [_function("system", "os")]}).hazards


def test_custom_losses_and_metrics_are_no_matter() -> None:
    record = {"loss": _function("my_loss"), "metrics": ["f1", {"class_name": "Mine", "config": {}}]}

    assert scan_training(record) == Findings()


def test_a_known_name_registered_by_somebody_else_is_custom() -> None:
    impostor = {**modern_layer("Dense"), "registered_name": "mine>Dense"}

    assert scan_architecture(sequential(impostor)) == Findings(custom=("mine>Dense",))


@pytest.mark.parametrize("key", ["activation", "recurrent_activation"])
def test_an_activation_that_keras_does_not_have_is_custom(key: str) -> None:
    assert scan_architecture(sequential(layer("LSTM", **{key: "my_swish"}))) == Findings(
        custom=("my_swish",)
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "https://example.org/words.txt"])
def test_a_vocabulary_to_be_fetched_is_a_hazard(path: str) -> None:
    (hazard,) = _hazards(sequential(modern_layer("TextVectorization", vocabulary=path)))

    assert "vocabulary names a file" in hazard


def test_operations_on_tensors_are_harmless() -> None:
    whole = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}

    # x[:, -1] and x * 2, as they are written in functional models
    last = _operation("keras.src.ops.numpy", "GetItem", [whole, -1])
    twice = _operation("keras.src.ops.numpy", "Multiply", 2)

    assert scan_architecture(sequential(last, twice)) == NOTHING


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
    found = scan_architecture(sequential(_operation(module, name, 2)))

    assert found.hazards or found.custom == (name,)


@pytest.mark.parametrize(
    "argument",
    [
        _function("system", "os"),
        [{"deep": _function("eval")}],
        layer("__lambda__", value="code"),
    ],
)
def test_arguments_of_a_call_can_not_smuggle_functions(argument: Any) -> None:
    found = scan_architecture(sequential(_operation("keras.src.ops.numpy", "Add", argument)))

    (told,) = found.hazards + found.lambdas
    assert "inbound_nodes" in told


def test_every_hazard_is_told() -> None:
    found = scan_architecture(
        sequential(layer("Lambda", name="a"), layer("Mine"), layer("Lambda", name="b"))
    )

    assert ["'a'" in found.lambdas[0], "'b'" in found.lambdas[1]] == [True, True]
    assert found.custom == ("Mine",)


def test_depth_does_no_harm() -> None:
    config: Any = layer("Lambda")
    for _ in range(20_000):
        config = [config]

    found = scan_architecture(config)

    assert len(found.lambdas) == 1
