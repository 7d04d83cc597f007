"""Attributes of a whole `.h5` that are missing, of another type, or lie; and names of layers."""

from typing import Any

import h5py
import numpy as np

from tests.attacks.architecture import call, dense, functional, input_layer, layer
from tests.attacks.base import Base, Edit, edited_h5
from tests.attacks.case import CLEAR, Case, Corpus
from tests.attacks.family import CORRUPT, INJECTION, TRAVERSAL
from tests.attacks.files import always, in_formats

OR_UNCOMPILED = "refuse with a clear error, or load without compiling and say so"
# (case, attribute, value, what it is, what must happen, whether either answer will do)
ATTRIBUTES: tuple[tuple[str, str, Any, str, str, bool], ...] = (
    ("attr_no_model_config", "model_config", None, "missing", CLEAR, False),
    ("attr_model_config_int", "model_config", 7, "is a number", CLEAR, False),
    ("attr_model_config_empty", "model_config", "", "is empty", CLEAR, False),
    ("attr_model_config_nonutf8", "model_config", b"\xff\xfe{bad", "is not UTF-8", CLEAR, False),
    ("attr_model_config_array", "model_config", list(range(9)), "is an array", CLEAR, False),
    (
        "attr_training_config_nonutf8",
        "training_config",
        b"\xff\xfe",
        "is not UTF-8",
        OR_UNCOMPILED,
        True,
    ),
    ("attr_training_config_list", "training_config", "[1]", "is a list", OR_UNCOMPILED, True),
    (
        "attr_backend_torch",
        "backend",
        "torch",
        "says torch",
        "load (backend is a hint) or refuse, definitely",
        True,
    ),
    (
        "attr_version_999",
        "keras_version",
        "999.0.0",
        "999",
        "load or refuse, definitely",
        True,
    ),
)


def add_attributes(corpus: Corpus, base: Base) -> None:
    """Write every case of a strange attribute."""
    for case, name, value, what, must, either in ATTRIBUTES:
        draft = Case(case, CORRUPT, f"{name} {what}", must, either=either)
        edited_h5(corpus, base, draft, _with(name, value))
    for case, names, attacks in (
        ("attr_layer_names_nonutf8", [b"\xff\xfe", b"d2"], "layer_names not UTF-8"),
        ("attr_layer_names_traversal", [b"../../d1", b"d2"], "layer name ../../d1"),
    ):
        edited_h5(corpus, base, Case(case, CORRUPT, attacks), _with_layer_names(names))


def add_layer_names(corpus: Corpus) -> None:
    """Write every case whose danger is a name."""
    _add_name(corpus, Case("name_traversal", TRAVERSAL, "layer named ../../etc/passwd"))
    attacks = "layer and model names hold HTML"
    must = "refuse the name, or load and always show it escaped"
    _add_name(corpus, Case("name_xss", INJECTION, attacks, must, either=True))
    attacks = "layer name holds a newline and an ANSI escape"
    must = "refuse the name, or load and never write it raw to a log"
    _add_name(corpus, Case("name_loginject", INJECTION, attacks, must, either=True))
    twice = functional([input_layer(), dense("d", 4), dense("d", 2, [call("d")])], "d")
    draft = Case("name_duplicate", CORRUPT, "two layers with one name")
    in_formats(corpus, draft, always(twice))


def _add_name(corpus: Corpus, draft: Case) -> None:
    name, model = {
        "name_traversal": ("../../etc/passwd", "functional"),
        "name_xss": ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>"),
        "name_loginject": ("a\nERROR root: forged line\x1b[31m", "functional"),
    }[draft.id]
    named = layer("Activation", name, activation="relu")
    config = functional([input_layer(), named], name, model)
    in_formats(corpus, draft, always(config))


def _with(name: str, value: Any) -> Edit:
    def edit(file: h5py.File, _group: str, _key: str) -> None:
        if value is None:
            del file.attrs[name]
        else:
            file.attrs[name] = np.bytes_(value) if isinstance(value, bytes) else value

    return edit


def _with_layer_names(names: list[bytes]) -> Edit:
    def edit(file: h5py.File, _group: str, _key: str) -> None:
        file["model_weights"].attrs["layer_names"] = np.array(names)

    return edit
