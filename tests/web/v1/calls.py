"""Calls and facts for translators, as the plane puts them together."""

from typing import Any, get_args

import orjson

from service.base.signature import Signature, Tensors, TensorSpec
from service.repository.decisions import chooser, decider, maker
from service.repository.model_config import ModelConfig
from service.web.exchange import Asked, Call, Facts, Identity, Translator
from service.web.paths import PredictPath, Verb
from service.web.v1.classify import Classify
from service.web.v1.predict import Predict
from service.web.v1.regress import Regress

TRANSLATORS: dict[str, Translator] = {
    "predict": Predict(),
    "classify": Classify(),
    "regress": Regress(),
}
VERBS: dict[str, Verb] = {verb: verb for verb in get_args(Verb)}
OUTPUT = TensorSpec("y", "float32", (None, 1))


def signature(*shape: int | None, dtype: str = "float32", **more: Any) -> Signature:
    """One input `x` and one output `y` of one number a row."""
    return Signature((TensorSpec("x", dtype, shape, **more),), (OUTPUT,))


def facts(
    of: Signature,
    config: ModelConfig | None = None,
    max_rows: int = 100,
    extra_keys: bool = False,
) -> Facts:
    settled = config or ModelConfig()
    decides, chooses = decider(settled, of) is not None, chooser(settled, of) is not None
    identity = Identity("m", 7, "f" * 64)
    return Facts(identity, of, settled, decides, max_rows, extra_keys, chooses)


def call(body: Any, verb: str = "predict") -> Call:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Call(PredictPath("m", None, VERBS[verb]), {}, content, 0.0)


def decode(body: Any, of: Facts, verb: str = "predict") -> Asked:
    return TRANSLATORS[verb].decode(call(body, verb), of)


def encode(asked: Asked, of: Facts, outputs: Tensors, verb: str = "predict") -> bytes:
    decide = maker(of.config, of.signature)
    decided = None if decide is None else decide(outputs[of.signature.outputs[0].name])
    return TRANSLATORS[verb].encode(asked, of, outputs, decided).content
