"""Layers that read a file which the configuration names."""

import keras

from tests.attacks.architecture import call, functional, input_layer, layer, of_one
from tests.attacks.case import Case, Corpus
from tests.attacks.family import CODE, READ
from tests.attacks.files import always, in_formats
from tests.attacks.saved_models import write_writing_model

MUST = "refuse: a model may not name a path; nothing outside the file is opened"


def add_lookups(corpus: Corpus) -> None:
    """Write every case in which a layer is told to read a file."""
    for kind in ("StringLookup", "TextVectorization", "IntegerLookup"):
        _add_vocabulary(corpus, kind)
    target = corpus.models / "_sm_write"
    write_writing_model(target, corpus.markers / "tfsmlayer")
    settings = {"filepath": str(target), "call_endpoint": "serving_default"}
    config = of_one(layer("TFSMLayer", "t", None, **settings))
    draft = Case(
        "tfsmlayer",
        CODE,
        "TFSMLayer.filepath",
        MUST,
        ref="CVE-2026-1462",
        marker_path="markers/tfsmlayer",
    )
    in_formats(corpus, draft, always(config))


def _add_vocabulary(corpus: Corpus, kind: str) -> None:
    dtype = "int64" if kind == "IntegerLookup" else "string"
    known = [7, 8, 9] if dtype == "int64" else ["a", "b"]
    real = getattr(keras.layers, kind)(vocabulary=known)
    settings = dict(keras.saving.serialize_keras_object(real)["config"])
    settings |= {"vocabulary": str(corpus.canary / "secret.txt"), "name": "v"}
    settings.pop("vocabulary_size", None)
    shape = (None, 1)
    lookup = layer(kind, "v", [call(shape=shape, dtype=dtype)])
    lookup["config"] |= settings
    config = functional([input_layer(shape=shape, dtype=dtype), lookup], "v")
    draft = Case(
        f"vocab_path_{kind.lower()}",
        READ,
        f"{kind}.vocabulary",
        MUST,
        ref="CVE-2025-12058",
        payload="canary",
        input=dtype,
    )
    in_formats(corpus, draft, always(config))
