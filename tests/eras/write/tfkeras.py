"""Models as the tf.keras of TensorFlow 1.14 to 2.15 wrote them, in every form that it has.

python -m tests.eras.write.tfkeras ENGINE FOLDER
"""

import sys
from typing import Any

import numpy as np
import tensorflow as tf

from tests.eras.write import keras2_models as models
from tests.eras.write import tfkeras_models as newer
from tests.eras.write.record import ROWS, Recorder, indices, numbers, scatter

RELEASE = ".".join(tf.__version__.split(".")[:2])
# What is written with which version: enough of each to notice a difference, not all with all.
GROUPS = {
    "1.14": "core",
    "1.15": "core shapes rare own",
    "2.0": "core checkpoint folder",
    "2.3": "core shapes rare own checkpoint",
    "2.4": "core modern checkpoint",
    "2.6": "core modern prepared checkpoint folder",
    "2.9": "core rare modern prepared checkpoint",
    "2.11": "core shapes modern prepared named adapted texts own checkpoint",
    "2.12": "archives",
    "2.13": "archives text_archive",
    "2.15": "core shapes modern prepared named archives text_archive own checkpoint folder",
}


def main(engine: str, folder: str) -> None:
    version = getattr(tf.keras, "__version__", tf.__version__)
    record = Recorder(engine, folder, version, "tensorflow")
    for group in GROUPS[RELEASE].split():
        WRITERS[group](record)
    record.close()


def scattered(model: Any) -> Any:
    scatter(model)
    return model


def core(record: Recorder) -> None:
    """What Keras 2 could too."""
    keras = tf.keras
    record.whole("dense", "trained: its optimizer is in the file too", models.trained(keras),
                 [numbers(5)])  # fmt: skip
    record.pair("rnn", "recurrent layers, all defaults", scattered(models.recurrent(keras)),
                [numbers(6, 3)])  # fmt: skip
    record.whole("text", "words, masked, both directions", scattered(models.text(keras)),
                 [indices(20, 7, lowest=1)])  # fmt: skip
    record.pair("nested", "models within models", scattered(models.nested(keras)),
                [numbers(5), numbers(5)[::-1]])  # fmt: skip
    record.refused("weights", "weights without an architecture",
                   {"weights.h5": "nested_weights.h5"}, "weights only")  # fmt: skip


def shapes(record: Recorder) -> None:
    keras = tf.keras
    record.whole("conv", "images", scattered(models.convolution(keras, "channels_last")),
                 [numbers(9, 8, 2)])  # fmt: skip
    record.whole("separable", "separable convolutions", scattered(models.separable(keras, True)),
                 [numbers(9, 8, 2)])  # fmt: skip
    record.whole("merges", "every merging layer, a layer used twice",
                 scattered(models.merges(keras)), [numbers(4), numbers(4)[::-1]])  # fmt: skip


def rare(record: Recorder) -> None:
    keras = tf.keras
    record.whole("signal", "convolution over time", scattered(models.signal(keras)),
                 [numbers(12, 3)])  # fmt: skip
    record.whole("volume", "volumes", scattered(models.volume(keras)),
                 [numbers(5, 6, 4, 2)])  # fmt: skip
    record.whole("convlstm", "convolution within recurrence",
                 scattered(models.convolution_over_time(keras)), [numbers(3, 5, 6, 2)])  # fmt: skip
    record.whole("local", "a layer that Keras 3 has not", scattered(models.local(keras)),
                 [numbers(6, 2)])  # fmt: skip
    record.whole("early_attention", "attention of one head", scattered(newer.early_attention(tf)),
                 [numbers(4, 6), numbers(5, 6)])  # fmt: skip
    for after in (True, False):
        record.whole(f"gru_{'after' if after else 'before'}", f"a GRU with reset_after={after}",
                     scattered(models.gates(keras, after)), [numbers(6, 3)])  # fmt: skip


def checkpoint(record: Recorder) -> None:
    record.checkpoint("nested_cp", "a TensorFlow checkpoint beside to_json()",
                      scattered(models.nested(tf.keras)),
                      [numbers(5), numbers(5)[::-1]])  # fmt: skip
    record.checkpoint("rnn_cp", "a TensorFlow checkpoint of recurrent layers",
                      scattered(models.recurrent(tf.keras)), [numbers(6, 3)])  # fmt: skip
    files = record.below("rnn_cp_checkpoint")
    record.refused("checkpoint", "a checkpoint without an architecture", files, "architecture")


def folder(record: Recorder) -> None:
    record.saved_model("separable", "a SavedModel", scattered(models.separable(tf.keras, True)),
                       [numbers(9, 8, 2)])  # fmt: skip


def modern(record: Recorder) -> None:
    record.whole("normed", "layer normalisation", scattered(newer.normed(tf)), [numbers(4, 5)])
    record.whole("attention", "attention with tensors by keyword", scattered(newer.attention(tf)),
                 [numbers(4, 6), numbers(5, 6)])  # fmt: skip
    record.pair("operations", "operations as layers", scattered(newer.operations(tf)),
                [numbers(4, 3)])  # fmt: skip
    record.whole("mixed", "a float16 policy", scattered(newer.mixed(tf)), [numbers(5)],
                 tolerance=5e-3)  # fmt: skip


def columns(model: Any) -> Any:
    """Only the last layer is scattered: the others keep what they were adapted to."""
    scatter(model.get_layer("score"))
    return model, [numbers(3), indices(4, 1).astype("int64")]


def prepared(record: Recorder) -> None:
    """Preprocessing within the model."""
    record.whole("columns", "a table, adapted", *columns(newer.columns(tf)))
    record.whole("pixels", "images scaled, cropped", scattered(newer.pixels(tf)),
                 [np.abs(numbers(8, 8, 3)) * 60])  # fmt: skip


def named(record: Recorder) -> None:
    colours = np.array([["red"], ["blue"], ["pink"], ["green"], ["red"]])
    record.whole("lookup", "names of categories", scattered(newer.lookup(tf)), [colours])
    record.whole("buckets", "numbers in buckets", scattered(newer.buckets(tf)), [numbers(1)])


def adapted(record: Recorder) -> None:
    """The file holds no boundaries, but the summary of the data that they come from."""
    record.whole("adapted", "buckets learnt from data", newer.buckets(tf, adapted=True),
                 [numbers(1)])  # fmt: skip


def in_words(record: Recorder) -> None:
    record.saved_model("words", "texts, in a SavedModel", words(), [texts()])


def words() -> Any:
    model = newer.words(tf)
    for name in ("place", "score"):
        scatter(model.get_layer(name))
    return model


def texts() -> Any:
    rows = ["the cat ran", "a dog", "THE cat, away!", "nothing known", "sat sat sat"]
    assert len(rows) == ROWS
    return np.array(rows)[:, None]


def archives(record: Recorder) -> None:
    """`.keras` of Keras 2.12 to 2.15."""
    keras = tf.keras
    record.archive("dense_v3", "a trained Sequential", models.trained(keras), [numbers(5)])
    record.archive("rnn_v3", "recurrent layers", scattered(models.recurrent(keras)),
                   [numbers(6, 3)])  # fmt: skip
    record.archive("text_v3", "words", scattered(models.text(keras)), [indices(20, 7, lowest=1)])
    record.archive("nested_v3", "models within models", scattered(models.nested(keras)),
                   [numbers(5), numbers(5)[::-1]])  # fmt: skip
    record.archive("attention_v3", "attention", scattered(newer.attention(tf)),
                   [numbers(4, 6), numbers(5, 6)])  # fmt: skip
    record.archive("operations_v3", "operations as layers", scattered(newer.operations(tf)),
                   [numbers(4, 3)])  # fmt: skip
    record.archive("columns_v3", "a table, adapted", *columns(newer.columns(tf)))
    record.modern_weights("separable_v3", "weights of the newer layout",
                          scattered(models.separable(keras, True)), [numbers(9, 8, 2)])  # fmt: skip


def own(record: Recorder) -> None:
    """What brings code, or names code that nobody else has."""
    newer.own_class(tf).save(record.folder + "/own.h5")
    record.refused("own", "a class that the file names only", {"model.h5": "own.h5"}, "Doubled")
    newer.code(tf).save(record.folder + "/code.h5")
    record.refused("code", "a Lambda layer", {"model.h5": "code.h5"}, "Lambda")


def text_archive(record: Recorder) -> None:
    """Keras 2.12 can't write it."""
    record.archive("words_v3", "texts", words(), [texts()])


WRITERS = {
    "core": core, "shapes": shapes, "rare": rare, "checkpoint": checkpoint, "folder": folder,
    "modern": modern, "prepared": prepared, "named": named, "texts": in_words, "adapted": adapted,
    "archives": archives, "text_archive": text_archive, "own": own,
}  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
