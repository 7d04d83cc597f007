"""What kerasd has registered with Keras, known again in files that `kerasd convert` wrote."""

from typing import Any

from service.base.strict_json import Json

OWN_FUNCTIONS = frozenset({"legacy_hard_sigmoid", "kerasd>legacy_hard_sigmoid"})
OWN_CLASSES = frozenset(
    f"kerasd>{name}"
    for name in """
    TheanoAveragePooling1D TheanoAveragePooling2D TheanoAveragePooling3D TheanoConv1D TheanoConv2D
    TheanoConv2DTranspose TheanoConv3D TheanoConv3DTranspose TheanoDepthwiseConv2D
    TheanoMaxPooling1D TheanoMaxPooling2D TheanoMaxPooling3D TheanoSeparableConv1D
    TheanoSeparableConv2D ThresholdedReLU
    """.split()
)
OWN_MODULE = "service.loading.legacy_layers"


def is_ours(class_name: str, registered: Any) -> bool:
    """True for a class of ours by its own name, under which its size is computed."""
    if not isinstance(registered, str) or registered not in OWN_CLASSES:
        return False
    return registered.removeprefix("kerasd>").removeprefix("Theano") == class_name


def is_own_function(item: Json) -> bool:
    """True for a function that we have registered, found where Keras writes such ones."""
    name, registered = item.get("config"), item.get("registered_name")
    is_named = isinstance(name, str) and name in OWN_FUNCTIONS
    is_registered = registered in (None, "function", *OWN_FUNCTIONS)
    return is_named and is_registered and item.get("module") in (None, "builtins", OWN_MODULE)
