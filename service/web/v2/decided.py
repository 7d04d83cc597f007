"""Decisions as outputs of the protocol: the class, its label, how sure; or which labels hold."""

import numpy as np

from service.base.signature import STRING, TensorSpec
from service.repository.decisions import Chosen, Decisions
from service.web.exchange import Facts

CLASS_INDEX, LABEL, SCORE, CHOSEN = "class_index", "label", "score", "chosen"
DTYPES = {CLASS_INDEX: "int64", LABEL: STRING, SCORE: "float32", CHOSEN: "bool"}
PREFIX = "decision_"


def decision_roles(facts: Facts) -> dict[str, str]:
    """Which decision each output is, by the output's name; empty where there are none.

    Where the model has an output of that name itself, ours is called `decision_label`.
    """
    if not facts.extra_keys:
        return {}
    taken = {spec.name for spec in facts.signature.outputs}
    roles: tuple[str, ...] = ()
    if facts.decides:
        roles = (CLASS_INDEX, LABEL, SCORE) if facts.config.labels else (CLASS_INDEX, SCORE)
    elif facts.chooses:
        roles = (CHOSEN, LABEL) if facts.config.labels else (CHOSEN,)
    return {_free_name(role, taken): role for role in roles}


def decision_specs(facts: Facts) -> tuple[TensorSpec, ...]:
    """The decisions as outputs of a signature."""
    roles = decision_roles(facts)
    shape = facts.signature.outputs[0].shape if facts.chooses else (None,)
    return tuple(TensorSpec(name, DTYPES[role], shape) for name, role in roles.items())


def decision_array(role: str, decided: Decisions, labels: tuple[str, ...]) -> np.ndarray:
    """One decision of a batch, one element a row; of labels one for each of them, empty where it
    doesn't hold.
    """
    if isinstance(decided, Chosen):
        names = np.array(labels, object)
        return decided.chosen if role == CHOSEN else np.where(decided.chosen, names, "")
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
