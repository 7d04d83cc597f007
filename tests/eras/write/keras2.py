"""Models as Keras 2.0 to 2.3 wrote them, before TensorFlow took Keras in.

python -m tests.eras.write.keras2 ENGINE FOLDER
"""

import sys
from typing import Any

import keras

from tests.eras.write import keras2_models as models
from tests.eras.write.record import Recorder, indices, numbers, scatter


def main(engine: str, folder: str) -> None:
    kind = keras.backend.backend()
    record = Recorder(engine, folder, keras.__version__, kind)

    def whole(name: str, purpose: str, model: Any, *inputs: Any) -> None:
        scatter(model)
        record.whole(name, purpose, model, inputs)

    def pair(name: str, purpose: str, model: Any, *inputs: Any) -> None:
        scatter(model)
        record.pair(name, purpose, model, inputs)

    trained = models.trained(keras)
    record.whole("dense", "trained: its optimizer is in the file too", trained, [numbers(5)])
    if kind == "theano":
        theano_images(whole)
    else:
        whole("conv_channels_last", "images", models.convolution(keras, "channels_last"),
              numbers(9, 8, 2))  # fmt: skip
    whole("signal", "convolution over time", models.signal(keras), numbers(12, 3))
    whole("rnn", "recurrent layers, all defaults", models.recurrent(keras), numbers(6, 3))
    pair("text", "words, masked, both directions", models.text(keras), indices(20, 7, lowest=1))
    pair("nested", "models within models", models.nested(keras), numbers(5), numbers(5)[::-1])
    whole("merges", "every merging layer, a layer used twice", models.merges(keras),
          numbers(4), numbers(4)[::-1])  # fmt: skip
    if kind == "tensorflow":
        later(whole)
    record.refused("weights", "weights without an architecture",
                   {"weights.h5": "nested_weights.h5"}, "weights only")  # fmt: skip
    record.close()


def theano_images(whole: Any) -> None:
    for layout in ("channels_last", "channels_first"):
        pixels = numbers(*models.image(layout))
        model = models.convolution(keras, layout, for_theano=True)
        whole(f"conv_{layout}", f"images, {layout}", model, pixels)
        model = models.edges(keras, layout)
        whole(f"edges_{layout}", f"padded with an odd row, {layout}", model, pixels)


def later(whole: Any) -> None:
    """What the Theano backend lacks, or what came after 2.0."""
    newer = not keras.__version__.startswith("2.0")
    whole("separable", "separable convolutions", models.separable(keras, depthwise=newer),
          numbers(9, 8, 2))  # fmt: skip
    whole("volume", "volumes", models.volume(keras), numbers(5, 6, 4, 2))
    whole("local", "a layer that Keras 3 has not", models.local(keras), numbers(6, 2))
    if newer:
        whole("convlstm", "convolution within recurrence", models.convolution_over_time(keras),
              numbers(3, 5, 6, 2))  # fmt: skip
        for after in (True, False):
            whole(f"gru_{'after' if after else 'before'}", f"a GRU with reset_after={after}",
                  models.gates(keras, after), numbers(6, 3))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
