"""Dropout that a model asks for even when it answers (Monte Carlo dropout) is switched off.

A model whose dropout layers are called with `training=True` gives another answer each time. What
is served must give the same answer for the same input, so the calls lose that argument; the
answer is then the one that the layers were trained for, and the version's notes say so.
"""

from typing import Any

Json = dict[str, Any]
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
            if item.get("class_name") in RANDOM_LAYERS and "inbound_nodes" in item:
                found |= _made_plain(item["inbound_nodes"])
            pending.extend(item.values())
    return (copy, True) if found else (config, False)


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
