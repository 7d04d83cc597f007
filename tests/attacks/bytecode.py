"""Marshalled Python code wherever a configuration takes a function."""

import io
import json
from collections.abc import Callable
from functools import partial

import h5py

from service.base.strict_json import Json
from tests.attacks.architecture import (
    INPUT,
    RELU,
    a_lambda,
    call,
    dense,
    functional,
    inner_layer,
    input_layer,
    layer,
    of_one,
)
from tests.attacks.base import Base
from tests.attacks.case import Case, Corpus
from tests.attacks.family import CODE
from tests.attacks.files import FORMATS, archive_of, in_formats, whole_h5

Embed = Callable[[Json], Json]  # a payload -> a configuration with it

MUST = "refuse before any byte of it is unmarshalled; name the layer; no code run"


def add_bytecode(corpus: Corpus, base: Base) -> None:
    """Write every case whose payload is marshalled code."""
    _add_lambdas(corpus)
    _add_values(corpus)
    _add_nested(corpus)
    _add_keras2_list(corpus)
    _add_compile_config(corpus, base)
    _add_training_configs(corpus, base)


def _draft(case: str, attacks: str, ref: str = "") -> Case:
    return Case(case, CODE, attacks, MUST, ref=ref, payload="marker")


def _add_lambdas(corpus: Corpus) -> None:
    """The function of a Lambda layer, and what else of it may be a function."""

    def add(draft: Case, embed: Embed, formats: tuple[str, ...] = FORMATS) -> None:
        in_formats(corpus, draft, lambda case: embed(corpus.payloads.as_object(case)), formats)

    cve = "CVE-2024-3660"
    add(
        _draft("lambda_code", "Lambda.function", f"{cve} CVE-2025-9905"),
        lambda code: of_one(a_lambda("lam", code)),
    )
    add(
        _draft("lambda_output_shape", "Lambda.output_shape", cve),
        lambda code: of_one(a_lambda("lam", RELU, output_shape=code)),
    )
    add(
        _draft("lambda_mask", "Lambda.mask"),
        lambda code: of_one(a_lambda("lam", RELU, mask=code)),
    )
    add(
        _draft("registered_name_spoof", "registered_name", "keras PR 22729"),
        lambda code: of_one({**a_lambda("lam", code), "registered_name": "Dense"}),
        ("keras", "json"),
    )


def _add_values(corpus: Corpus) -> None:
    """A function where Keras takes any value."""

    def add(case: str, attacks: str, embed: Embed) -> None:
        in_formats(
            corpus, _draft(case, attacks), lambda each: embed(corpus.payloads.as_value(each))
        )

    add(
        "lambda_arguments",
        "Lambda.arguments",
        lambda code: of_one(a_lambda("lam", RELU, arguments={"negative_slope": code})),
    )
    for case, key in (
        ("lambda_as_activation", "activation"),
        ("lambda_as_initializer", "kernel_initializer"),
        ("lambda_as_regularizer", "kernel_regularizer"),
    ):
        add(case, f"Dense.{key}", partial(_dense_with, key))


def _dense_with(key: str, code: Json) -> Json:
    return of_one(dense("d", 2, None, **{key: code}))


def _add_nested(corpus: Corpus) -> None:
    """A Lambda inside another layer, and inside another model."""

    def wrapped(case: str) -> Json:
        settings = {"name": "lam", "function": corpus.payloads.as_object(case), "arguments": {}}
        inner = inner_layer("Lambda", settings)
        shape = (None, 5, 4)
        return of_one(layer("TimeDistributed", "td", [call(shape=shape)], layer=inner), shape)

    def submodel(case: str) -> Json:
        bad = a_lambda("lam", corpus.payloads.as_object(case), [call("ii")])
        inner = functional([input_layer("ii"), bad], "lam", "inner", "ii")
        return of_one({**inner, "name": "inner", "inbound_nodes": [call(INPUT)]})

    draft = Case(
        "lambda_in_wrapper",
        CODE,
        "TimeDistributed.layer -> Lambda",
        MUST,
        payload="marker",
        shape=(1, 5, 4),
    )
    in_formats(corpus, draft, wrapped)
    in_formats(corpus, _draft("lambda_in_submodel", "nested Functional -> Lambda"), submodel)


def _add_keras2_list(corpus: Corpus) -> None:
    case = "lambda_code_k2list_h5"
    settings = {
        "name": "lam",
        "trainable": True,
        "batch_input_shape": [None, 4],
        "dtype": "float32",
        "function": corpus.payloads.as_list(case),
        "function_type": "lambda",
        "module": "__main__",
        "output_shape": None,
        "output_shape_type": "raw",
        "output_shape_module": None,
        "arguments": {},
    }
    layers = [{"class_name": "Lambda", "config": settings}]
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    draft = _draft(case, "Lambda.function (Keras 2 list form)", "CVE-2025-9905")
    corpus.write(draft, f"{case}.h5", whole_h5(config))


def _add_compile_config(corpus: Corpus, base: Base) -> None:
    case = "lambda_in_compile_keras"
    config = base.config
    config["compile_config"] = {
        "optimizer": "adam",
        "loss": corpus.payloads.as_value(case),
        "metrics": None,
        "loss_weights": None,
        "weighted_metrics": None,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": False,
    }
    content = archive_of(config, base.members["model.weights.h5"])
    corpus.write(_draft(case, "compile_config.loss"), f"{case}.keras", content)


def _add_training_configs(corpus: Corpus, base: Base) -> None:
    """How the model was trained is read by Keras outside of its safe mode."""
    for field in ("loss", "metrics", "learning_rate"):
        case = f"lambda_in_training_{field}_h5"
        code = corpus.payloads.as_value(case)
        buffer = io.BytesIO(base.h5)
        with h5py.File(buffer, "a") as file:
            training = json.loads(file.attrs["training_config"])
            if field == "learning_rate":
                training["optimizer_config"]["config"][field] = code
            else:
                training[field] = code if field == "loss" else [code]
            file.attrs["training_config"] = json.dumps(training)
        attacks = f"training_config.{field} (read outside SafeModeScope)"
        corpus.write(_draft(case, attacks), f"{case}.h5", buffer.getvalue())
