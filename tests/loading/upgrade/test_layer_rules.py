"""Each rule for a single layer of Keras 2: what it changes, and what it leaves alone."""

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.model import upgrade
from tests.loading.handmade import layer, sequential
from tests.loading.upgrade.examples import INPUT


def _upgraded(item: Json, version: str = "2.4.0") -> tuple[str, Json, list[str]]:
    """One layer behind an input: its class and configuration afterwards, and its rules."""
    upgraded = upgrade(sequential(INPUT, item), version)
    after = upgraded.config["config"]["layers"][1]
    rules = [rule for rule in upgraded.rules if rule not in ("modules", "batch_input_shape")]
    return after["class_name"], after["config"], rules


@pytest.mark.parametrize(
    ("item", "after", "rule"),
    [
        (layer("Dense", dtype=layer("Policy", name="float32")), {"dtype": "float32"},
         "dtype_policy"),
        (layer("Dense", dtype=layer("Policy", name="mixed_float16")), {"dtype": "mixed_float16"},
         "dtype_policy"),
        (layer("Dense", dtype=layer("PolicyV1", name="_infer")), {"dtype": "float32"},
         "dtype_policy"),
        (layer("BatchNormalization", axis=[3]), {"axis": 3}, "axis_list"),
        (layer("LayerNormalization", axis={"class_name": "ListWrapper", "items": [1, 2]}),
         {"axis": [1, 2]}, "axis_list"),
        (layer("LeakyReLU", alpha=0.3), {"negative_slope": 0.3}, "leaky_slope"),
        (
            layer("Dense", kernel_initializer=layer("Zeros", dtype="float32", seed=1)),
            {"kernel_initializer": layer("Zeros", seed=1)},
            "initializer_dtype",
        ),
        (layer("Dense", kernel_initializer=layer("RandomNormalV2", seed=1)),
         {"kernel_initializer": layer("RandomNormal", seed=1)}, "versioned_part"),
        (layer("Dense", kernel_regularizer=layer("L1L2", l2={"type": "float32", "value": 0.1})),
         {"kernel_regularizer": layer("L1L2", l2=0.1)}, "numpy_value"),
        (layer("SimpleRNN", time_major=False, units=2), {"units": 2}, "time_major"),
        (layer("SimpleRNN", implementation=2, units=2), {"units": 2}, "dropped_arguments"),
        (layer("Embedding", input_length=80, input_dim=9), {"input_dim": 9}, "dropped_arguments"),
        (layer("BatchNormalization", fused=True, renorm=False, virtual_batch_size=8), {},
         "normalization_arguments"),
        (layer("SpatialDropout1D", rate=0.5, noise_shape=None), {"rate": 0.5}, "spatial_dropout"),
        (layer("DepthwiseConv2D", kernel_size=3, groups=1), {"kernel_size": 3},
         "dropped_arguments"),
        (layer("Conv2DTranspose", filters=2, groups=1), {"filters": 2}, "dropped_arguments"),
        (layer("SeparableConv2D", groups=1, kernel_initializer=layer("Zeros"), filters=2),
         {"filters": 2}, "dropped_arguments"),
        (layer("RandomFlip", mode="horizontal", rng_type="stateful"), {"mode": "horizontal"},
         "dropped_arguments"),
        (layer("Attention", causal=False), {}, "attention_arguments"),
        (layer("MultiHeadAttention", key_dim=2, softmax_robust_masking=False), {"key_dim": 2},
         "attention_arguments"),
    ],
)  # fmt: skip
def test_a_rule_cures_one_thing_and_is_told(item: Json, after: Json, rule: str) -> None:
    assert _upgraded(item)[1:] == (after, [rule])


@pytest.mark.parametrize(
    "item",
    [
        layer("Dense", dtype="float32", activation="relu", kernel_initializer=layer("Zeros")),
        layer("Dense", dtype="mixed_float16", kernel_initializer="glorot_uniform"),
        layer("BatchNormalization", axis=-1),
        layer("BatchNormalization", axis=[1, 2]),
        layer("Concatenate", axis=[1]),
        layer("LeakyReLU", negative_slope=0.3),
        layer("ELU", alpha=0.3),
        layer("GRU", units=2, reset_after=True),
        layer("LSTM", implementation=2, recurrent_activation="sigmoid"),
        layer("Conv2D", groups=1, kernel_initializer=layer("Zeros"), data_format=None),
        layer("DepthwiseConv2D", groups=2),
        layer("Dropout", rate=0.5, noise_shape=None, seed=3),
        layer("UpSampling2D", size=[2, 2], data_format="channels_last"),
    ],
)
def test_what_did_not_change_is_left_alone(item: Json) -> None:
    assert _upgraded(item) == (item["class_name"], item["config"], [])


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (layer("LSTM", name="l", time_major=True), "layer 'l' asks for time_major, which only"),
        (layer("BatchNormalization", renorm=True), "'BatchNormalization' asks for renorm"),
        (layer("AdditiveAttention", causal=True), "asks for causal"),
        (layer("LocallyConnected1D", name="l"), "layer 'l' is a LocallyConnected1D: only Keras 2"),
        (layer("Discretization", name="d", dtype="int64"), "turns its inputs into whole numbers"),
        (layer("Highway"), "only Keras 1 had it"),
        (layer("MaxoutDense", name="m"), "layer 'm' is a MaxoutDense: only Keras 1 had it"),
        (layer("TensorFlowOpLayer", name="t"), "an operation of TensorFlow's graph"),
    ],
)
def test_what_keras_3_can_not_do_is_an_error_that_names_it(item: Json, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        upgrade(sequential(INPUT, item), "2.4.0")


def test_ragged_inputs_are_an_error() -> None:
    start = layer("InputLayer", name="x", batch_input_shape=[None, None], ragged=True)

    with pytest.raises(ValueError, match="'x' asks for ragged"):
        upgrade(sequential(start, layer("Dense", units=2)), "2.4.0")


@pytest.mark.parametrize(
    ("kind", "now"),
    [
        ("BatchNormalizationV1", "BatchNormalization"),
        ("SyncBatchNormalization", "BatchNormalization"),
        ("LSTMV2", "LSTM"),
        ("UnifiedGRU", "GRU"),
    ],
)
def test_classes_that_were_there_twice_are_one(kind: str, now: str) -> None:
    assert _upgraded(layer(kind))[0] == now


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_layers_for_graphics_cards_have_fixed_activations(kind: str) -> None:
    class_name, config, rules = _upgraded(layer(f"CuDNN{kind}", units=2), "2.2.4")

    resets = {"reset_after": True} if kind == "GRU" else {}
    assert (class_name, rules) == (kind, ["cudnn"])
    assert config == {"units": 2, "activation": "tanh", "recurrent_activation": "sigmoid", **resets}


def test_thresholded_relu_is_the_services_own() -> None:
    upgraded = upgrade(sequential(INPUT, layer("ThresholdedReLU", theta=0.5)), "2.4.0").config

    own = upgraded["config"]["layers"][1]
    assert (own["module"], own["registered_name"]) == (None, "kerasd>ThresholdedReLU")


def test_changing_sizes_at_random_is_left_out_and_told() -> None:
    item = layer("RandomHeight", name="r", factor=0.2, dtype="float32")
    upgraded = upgrade(sequential(INPUT, item), "2.6.0")

    after = upgraded.config["config"]["layers"][1]
    assert (after["class_name"], after["config"]) == ("Identity", {"name": "r", "dtype": "float32"})
    assert upgraded.notes == ("layer 'r' (RandomHeight) does nothing any more",)
