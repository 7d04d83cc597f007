"""Which translator answers which verb."""

from collections.abc import Mapping

from service.web.exchange import Translator
from service.web.paths import Verb
from service.web.v1.classify import Classify
from service.web.v1.predict import Predict
from service.web.v1.regress import Regress
from service.web.v2.infer import Infer


def translators() -> Mapping[Verb, Translator]:
    """One of each, for one worker: they keep parsers and what they have learnt of versions."""
    return {
        "predict": Predict(),
        "classify": Classify(),
        "regress": Regress(),
        "infer": Infer(),
    }
