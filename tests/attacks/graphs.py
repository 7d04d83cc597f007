"""Graphs of layers and JSON trees that are deep, endless, or broken off."""

import io
import json
from itertools import pairwise

import h5py
import keras

from service.base.strict_json import Json
from tests.attacks.architecture import INPUT, call, dense, functional, input_layer, layer, of_one
from tests.attacks.case import Case, Corpus
from tests.attacks.family import CORRUPT, HANG
from tests.attacks.files import BASE_WEIGHTS, always, archive_of, in_formats

NO_CRASH = "refuse with a clear error; no crash"
NO_LOOP = "refuse with a clear error; no endless loop"
LEVELS, LAYERS, BRACKETS = 26, 5000, 200_000


def add_graphs(corpus: Corpus) -> None:
    """Write every case whose danger lies in how things hang together."""
    _add_exponential(corpus)
    _add_long(corpus)
    for depth in (150, 400):
        config = _nested(depth)
        attacks = f"{depth} models nested in each other (Python recursion)"
        draft = Case(f"graph_nested_{depth}", HANG, attacks, NO_CRASH)
        in_formats(corpus, draft, always(config))
    one, other = dense("a", 4, [call("b")]), dense("b", 4, [call("a")])
    circle = functional([input_layer(), one, other], "b")
    draft = Case("graph_cycle", HANG, "two layers feed each other", NO_LOOP)
    in_formats(corpus, draft, always(circle))
    ghost = of_one(dense("d", 4, [call("ghost")]))
    draft = Case("node_dangling", CORRUPT, "a layer fed by one that does not exist", NO_LOOP)
    in_formats(corpus, draft, always(ghost))
    _add_brackets(corpus)


def _add_exponential(corpus: Corpus) -> None:
    """24 kB of nested models that take 2**26 calls to run."""
    tensor = keras.Input((4,), name="i0")
    model = keras.Model(tensor, keras.layers.Activation("relu", name="a")(tensor), name="m0")
    for level in range(1, LEVELS + 1):
        tensor = keras.Input((4,), name=f"i{level}")
        model = keras.Model(tensor, model(model(tensor)), name=f"m{level}")
    config = json.loads(model.to_json())
    attacks = f"each nested model calls the one below twice: 2**{LEVELS} calls to run"
    must = "refuse: nesting or warm-up time budget"
    draft = Case(f"graph_exponential_{LEVELS}", HANG, attacks, must, "refuse_bounded")
    in_formats(corpus, draft, always(config))


def _add_long(corpus: Corpus) -> None:
    names = [INPUT, *(f"d{index}" for index in range(LAYERS))]
    chain = [
        layer("Activation", name, [call(before)], activation="relu")
        for before, name in pairwise(names)
    ]
    config = functional([input_layer(), *chain], names[-1])
    attacks = f"{LAYERS} layers in a row (build time, recursion)"
    must = "refuse: layer count or build time budget"
    draft = Case(f"graph_{LAYERS}_layers", HANG, attacks, must)
    in_formats(corpus, draft, always(config), ("keras", "h5"))


def _nested(depth: int) -> Json:
    config = of_one(layer("Activation", "d", activation="relu"))
    config["config"]["name"] = "m"
    for level in range(depth):
        name = config["config"]["name"]
        inner = {**config, "name": name, "inbound_nodes": [call()]}
        config = functional([input_layer(), inner], name, f"m{level}")
    return config


def _add_brackets(corpus: Corpus) -> None:
    """JSON that is nothing but depth."""
    deep = "[" * BRACKETS + "]" * BRACKETS
    draft = Case("json_deep_keras", HANG, f"config.json nested {BRACKETS} deep", NO_CRASH)
    corpus.write(draft, "json_deep_keras.keras", archive_of(deep))
    attacks = f"architecture JSON nested {BRACKETS} deep"
    draft = Case("json_deep_json", HANG, attacks, NO_CRASH, companion=BASE_WEIGHTS)
    text = f'{{"class_name":"Sequential","config":{{"layers":{deep}}}}}'
    corpus.write(draft, "json_deep_json.json", text)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = "[" * 30_000 + "]" * 30_000
        file.create_group("model_weights")
    draft = Case("json_deep_h5", HANG, "model_config attribute nested 30 000 deep", NO_CRASH)
    corpus.write(draft, "json_deep_h5.h5", buffer.getvalue())
