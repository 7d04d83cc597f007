"""Dropout that a model asks for even when it answers (Monte Carlo dropout) is switched off.

A model whose dropout layers are called with `training=True` gives another answer each time. What
is served must give the same answer for the same input, so the calls lose that argument; the
answer is then the one that the layers were trained for, and the version's notes say so.
"""

import re
from typing import Any

NORMALIZATION = re.compile(r"(Sync)?BatchNormalization(V[12])?")
RANDOM_LAYERS = frozenset(
    """
    AlphaDropout Dropout GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D
    SpatialDropout3D
    """.split()
)


def without_monte_carlo(config: Any) -> tuple[Any, bool]:
    """The configuration with such calls made plain, and whether there were any."""
    found = False
    copy = _copied(config)
    pending = [copy]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            if _is_random(item.get("class_name")) and "inbound_nodes" in item:
                found |= _made_plain(item["inbound_nodes"])
            pending.extend(item.values())
    return (copy, True) if found else (config, False)


def in_training_mode(config: Any) -> list[str]:
    """A sentence for each normalization that is called with `training=True`.

    Its answers depend on the other rows of a batch, so no two servers would give the same.
    """
    found, pending = [], [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            kind, nodes = item.get("class_name"), item.get("inbound_nodes")
            if isinstance(kind, str) and NORMALIZATION.fullmatch(kind) and _is_training(nodes):
                found.append(
                    f"layer '{str(item.get('name'))[:80]}' ({kind}) is called in training mode: "
                    "its answers would depend on the other rows of a batch"
                )
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return found


def _is_training(nodes: Any) -> bool:
    return _made_plain(_copied(nodes))


def _is_random(class_name: Any) -> bool:
    return isinstance(class_name, str) and class_name in RANDOM_LAYERS


def _made_plain(nodes: Any) -> bool:
    """Take `training: true` out of a layer's calls, in the form of either Keras."""
    found = False
    pending = [nodes]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            if item.get("training") is True:
                del item["training"]
                found = True
            pending.extend(item.get(key) for key in ("kwargs", "args"))
    return found


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
