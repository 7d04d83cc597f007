"""A mask in the model hides what sequences are padded with: in Keras, and compiled to ONNX."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from service.base.compiled import ONNX_FILE, digest_file
from service.base.sequences import Sequences, pad, sequences_misfit
from service.loading.compiling import Sources, compile_version

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]

RANDOM = np.random.default_rng(0)
LENGTHS = (3, 9, 1, 6)


def compiled(model: object, folder: Path, value: float) -> onnxruntime.InferenceSession:
    folder.mkdir()
    file = folder / "model.keras"
    model.save(file)  # type: ignore[attr-defined]
    sources = Sources({file.name: file}, {file.name: digest_file(file)}, "key")
    _, found = compile_version(sources, folder / "compiled", lambda _stage: None)
    assert found.runtime == "onnx"
    # What the model hides is known of it, so that a section that says otherwise is refused.
    assert sequences_misfit(Sequences(value=value), found.signature) == ""
    assert "mask hides" in sequences_misfit(Sequences(value=value + 2), found.signature)
    return onnxruntime.InferenceSession(folder / "compiled" / ONNX_FILE)


def test_a_padded_sequence_is_answered_as_it_is_alone(tmp_path: Path) -> None:
    import keras

    steps = keras.Sequential(
        [
            keras.Input((None, 2)),
            keras.layers.Masking(-1.0),
            keras.layers.LSTM(5),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    words = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(9, 4, mask_zero=True),
            keras.layers.Bidirectional(keras.layers.GRU(5)),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    series = [RANDOM.random((n, 2), np.float32) for n in LENGTHS]
    texts = [RANDOM.integers(1, 9, n).astype(np.int32) for n in LENGTHS]
    for name, model, rows, value in (("a", steps, series, -1.0), ("b", words, texts, 0.0)):
        session = compiled(model, tmp_path / name, value)
        (given,) = session.get_inputs()
        alone = [session.run(None, {given.name: row[None]})[0][0] for row in rows]
        for side in ("pre", "post"):
            sequences = Sequences(padding=side, value=value)
            padded = pad(rows, sequences, 12, rows[0].dtype)
            together = session.run(None, {given.name: padded})[0]
            assert np.allclose(together, alone, atol=1e-5), (name, side)
            assert np.allclose(model.predict(padded, verbose=0), alone, atol=1e-4), (name, side)


def test_a_mask_is_found_in_a_model_within_and_not_behind_a_computation() -> None:
    import keras

    from service.loading.tracing.input_ranges import masks

    inner = keras.Sequential([keras.Input((None, 2)), keras.layers.Masking(7.0)])
    kept, scaled = keras.Input((None, 2), name="kept"), keras.Input((None, 2), name="scaled")
    both = [inner(kept), keras.layers.Masking(3.0)(keras.layers.Rescaling(2.0)(scaled))]
    outputs = [keras.layers.LSTM(2)(values) for values in both]

    assert masks(keras.Model([kept, scaled], outputs)) == {"kept": 7.0}
