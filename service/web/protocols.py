"""Which translator answers which verb."""

from service.web.exchange import Translator
from service.web.paths import Verb
from service.web.v1.classify import Classify
from service.web.v1.predict import Predict
from service.web.v1.regress import Regress
from service.web.v2.infer import Infer

TRANSLATORS: dict[Verb, Translator] = {
    "predict": Predict(),
    "classify": Classify(),
    "regress": Regress(),
    "infer": Infer(),
}
