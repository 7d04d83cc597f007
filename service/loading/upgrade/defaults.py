"""Rules for defaults that changed, where a file doesn't say what it means."""

from service.base.strict_json import Json
from service.loading.upgrade.mending import Mending

GATED = frozenset("LSTM GRU LSTMCell GRUCell".split())
CONVOLUTIONAL = frozenset("ConvLSTM1D ConvLSTM2D ConvLSTM3D".split())


def recurrent_default(layer: Json, mending: Mending) -> bool:
    """Gates were hard sigmoids until Keras 2.3, those of ConvLSTM until Keras 3."""
    kind, config = layer["class_name"], layer["config"]
    if kind not in GATED | CONVOLUTIONAL or "recurrent_activation" in config:
        return False
    if not mending.era.is_before(*((3,) if kind in CONVOLUTIONAL else (2, 3))):
        return False
    if kind in GATED and mending.era.is_ambiguous:
        mending.note(
            f"layer '{config.get('name', kind)}' doesn't say its recurrent activation and the file "
            "not which Keras wrote it: hard_sigmoid is taken, the default before Keras 2.3"
        )
    config["recurrent_activation"] = "hard_sigmoid"
    return True


def gru_reset_after(layer: Json, mending: Mending) -> bool:
    """A GRU that doesn't say it resets before, as all did until tf.keras 2."""
    is_gru = layer["class_name"] in ("GRU", "GRUCell") and "reset_after" not in layer["config"]
    if is_gru and mending.era.is_before(2, 4):
        layer["config"]["reset_after"] = False
        return True
    return False


def tell_bilinear(layer: Json, mending: Mending) -> bool:
    """No rule, a note: old bilinear upsampling took its samples from other places."""
    config = layer["config"]
    is_bilinear = (
        layer["class_name"] == "UpSampling2D" and config.get("interpolation") == "bilinear"
    )
    if is_bilinear and mending.era.is_before(2, 4) and not mending.era.text.endswith("-tf"):
        mending.note(
            f"layer '{config.get('name', 'UpSampling2D')}' is bilinear: Keras before 2.4 took its "
            "samples half a pixel elsewhere, so answers differ slightly"
        )
    return False
