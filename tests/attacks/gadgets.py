"""Keras' own loaders, downloaders and process-wide settings, reached by their names."""

from typing import Any

from service.base.strict_json import Json
from tests.attacks.architecture import (
    a_lambda,
    call,
    function,
    functional,
    inner_layer,
    input_layer,
    of_one,
)
from tests.attacks.case import Case, Corpus
from tests.attacks.family import CODE, STATE
from tests.attacks.files import always, archive_of, in_formats
from tests.attacks.names import add_operation, called_by_name

MUST = (
    "refuse: a model config may name layers and activations, never a loader, "
    "a downloader or a process-wide setting"
)
UNDENIED = "not on Keras' denylist (3.15.1 source)"
SETTINGS = (
    ("set_floatx", "float64"),
    ("set_max_epochs", 0),
    ("set_dtype_policy", "float16"),
    ("set_image_data_format", "channels_first"),
    ("set_epsilon", 0.5),
    ("disable_traceback_filtering", None),
)


def add_gadgets(corpus: Corpus) -> None:
    """Write every case that turns Keras' own functions against it."""
    _add_unsafe_switch(corpus)
    _add_loaders(corpus)
    _add_deserializers(corpus)
    _add_writers(corpus)
    _add_settings(corpus)
    _add_operations(corpus)


def _draft(case: str, attacks: str, family: str = CODE, **more: Any) -> Case:
    return Case(case, family, attacks, MUST, **more)


def _add_unsafe_switch(corpus: Corpus) -> None:
    """The first layer switches safe mode off, the second carries code."""
    switch = "enable_unsafe_deserialization"

    def build(case: str) -> Json:
        first = a_lambda("l0", function("keras.config", switch, "function"))
        second = a_lambda("l1", corpus.payloads.as_object(case))
        return functional([input_layer(), first, second], "l1")

    attacks = f"Lambda.function = keras.config.{switch}"
    draft = _draft("gadget_enable_unsafe", attacks, ref="CVE-2025-9906", payload="marker")
    in_formats(corpus, draft, build, ("keras", "json"))


def _add_loaders(corpus: Corpus) -> None:
    """load_model on a second file that carries code."""
    second = corpus.models / "_second_stage.keras"
    code = corpus.payloads.as_object("gadget_load_model")
    second.write_bytes(archive_of(of_one(a_lambda("lam", code))))
    for module in ("keras.models", "keras.saving", "keras.src.saving.saving_api"):
        config = called_by_name(module, "load_model", str(second), safe_mode=False)
        draft = _draft(
            f"gadget_load_model_{module.split('.')[1]}",
            f"Lambda.function = {module}.load_model(safe_mode=False)",
            ref="CVE-2025-8747",
            payload="marker",
        )
        in_formats(corpus, draft, always(config), ("keras",))


def _add_deserializers(corpus: Corpus) -> None:
    def legacy(case: str) -> Json:
        settings = {"name": "q", "function": corpus.payloads.as_object(case), "arguments": {}}
        inner = {"class_name": "Lambda", "config": settings}
        return called_by_name("keras.legacy.saving", "deserialize_keras_object", inner)

    def modern(case: str) -> Json:
        settings = {"name": "q", "function": corpus.payloads.as_object(case), "arguments": {}}
        return called_by_name("keras.layers", "deserialize", inner_layer("Lambda", settings))

    attacks = "Lambda.function = keras.legacy.saving.deserialize_keras_object"
    draft = _draft("gadget_legacy_deserialize", attacks, payload="marker")
    in_formats(corpus, draft, legacy, ("keras",))
    attacks = "Lambda.function = keras.layers.deserialize"
    draft = _draft("gadget_layers_deserialize", attacks, ref="CVE-2026-12481", payload="marker")
    in_formats(corpus, draft, modern, ("keras",))


def _add_writers(corpus: Corpus) -> None:
    """get_file copies a secret, plot_model writes a picture: both into the markers' folder."""
    fetched = called_by_name(
        "keras.utils",
        "get_file",
        "fetched_by_gadget.txt",
        origin=f"file://{corpus.canary}/secret.txt",
        cache_dir=str(corpus.markers),
        cache_subdir="get_file",
    )
    draft = _draft(
        "gadget_get_file",
        "Lambda.function = keras.utils.get_file",
        ref="CVE-2025-8747",
        marker_path="markers/get_file",
    )
    in_formats(corpus, draft, always(fetched), ("keras", "json"))
    target = str(corpus.markers / "plot.png")
    plotted = called_by_name("keras.utils", "plot_model", "x", to_file=target)
    draft = _draft(
        "gadget_plot_model",
        "Lambda.function = keras.utils.plot_model(to_file=...)",
        ref=UNDENIED,
        marker_path="markers/plot.png",
    )
    in_formats(corpus, draft, always(plotted), ("keras",))


def _add_settings(corpus: Corpus) -> None:
    for name, value in SETTINGS:
        config = called_by_name("keras.config", name, value)
        draft = _draft(
            f"gadget_{name}",
            f"Lambda.function = keras.config.{name}",
            STATE,
            ref=UNDENIED,
            checks="global_state",
        )
        in_formats(corpus, draft, always(config), ("keras",))
    seeded = called_by_name("keras.utils", "set_random_seed", 1)
    draft = _draft("gadget_set_random_seed", "Lambda.function = keras.utils.set_random_seed", STATE)
    in_formats(corpus, draft, always(seeded), ("keras",))


def _add_operations(corpus: Corpus) -> None:
    """Operations of Keras used as layers take functions as arguments of their calls."""
    floatx = function("keras.config", "set_floatx")
    switch = _operation("Switch", [0, [floatx], "float64"])
    draft = _draft(
        "op_switch_state",
        "operation Switch whose call argument is keras.config.set_floatx (no Lambda)",
        STATE,
        ref="public PoC (hacnho/keras-modelscan-plot-gallery-bypass-poc) made harmless",
        checks="global_state",
    )
    in_formats(corpus, draft, always(add_operation(switch)), ("keras", "json"))
    unfiltered = function("keras.config", "disable_traceback_filtering")
    cond = _operation("Cond", [True, unfiltered, unfiltered])
    draft = _draft(
        "op_cond_state",
        "operation Cond whose branches are keras.config functions (no Lambda)",
        STATE,
        checks="global_state",
    )
    in_formats(corpus, draft, always(add_operation(cond)), ("keras", "json"))


def _operation(kind: str, arguments: list[Any]) -> Json:
    return {
        "module": "keras.src.ops.core",
        "class_name": kind,
        "config": {"name": "op"},
        "registered_name": kind,
        "name": "op",
        "inbound_nodes": [{**call(), "args": arguments}],
    }
