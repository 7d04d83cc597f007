"""Decisions as outputs of the protocol: the class, its label, and how sure the model is."""

import numpy as np

from service.base.signature import STRING, TensorSpec
from service.web.decisions import Decided
from service.web.exchange import Facts

CLASS_INDEX, LABEL, SCORE = "class_index", "label", "score"
DTYPES = {CLASS_INDEX: "int64", LABEL: STRING, SCORE: "float32"}
PREFIX = "decision_"


def decision_roles(facts: Facts) -> dict[str, str]:
    """Which decision each output is, by the output's name; empty where there are none.

    Where the model has an output of that name itself, ours is called `decision_label`.
    """
    if not (facts.decides and facts.extra_keys):
        return {}
    taken = {spec.name for spec in facts.signature.outputs}
    roles = DTYPES if facts.config.labels else (CLASS_INDEX, SCORE)
    return {_free_name(role, taken): role for role in roles}


def decision_specs(facts: Facts) -> tuple[TensorSpec, ...]:
    """The decisions as outputs of a signature."""
    roles = decision_roles(facts)
    return tuple(TensorSpec(name, DTYPES[role], (None,)) for name, role in roles.items())


def decision_array(role: str, decided: Decided, labels: tuple[str, ...]) -> np.ndarray:
    """One decision of a batch, one element a row."""
    if role == CLASS_INDEX:
        return decided.class_index.astype(np.int64, copy=False)
    if role == SCORE:
        return decided.score.astype(np.float32, copy=False)
    texts = np.empty(len(decided.class_index), dtype=object)
    texts[:] = [labels[index] for index in decided.class_index.tolist()]
    return texts


def _free_name(role: str, taken: set[str]) -> str:
    name = role
    while name in taken:
        name = PREFIX + name
    return name
