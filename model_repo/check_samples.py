"""Scores the saved sample models on held-out rows and holds them to floors."""

import json
import logging
import sys
from pathlib import Path

import keras
import numpy as np
from train_samples import (
    SAMPLES,
    SERIES_STEPS,
    SHORTEST_CROP,
    Floats,
    Indices,
    Sample,
    Split,
)

MAX_VERSION_BYTES = 500_000


def main() -> int:
    passed = [check(sample) for sample in SAMPLES]
    return 0 if all(passed) else 1


def check(sample: Sample) -> bool:
    """Prints one sample's table and says whether it is good enough to ship."""
    model = load(sample.version, sample.file)
    split = sample.split()
    chosen = choose(sample, model, split.held_rows)
    held_out = float(np.mean(chosen == split.held_truths))
    print(f"\n{sample.name}: held-out accuracy {held_out:.1%} of {len(chosen)} rows")
    print_classes(sample.labels, chosen, split.held_truths)
    if sample.example_steps:
        print_lengths(sample, model, split, (sample.example_steps, SHORTEST_CROP))
    agreement = agree(sample, model)
    size = sum(file.stat().st_size for file in sample.version.iterdir())
    passed = all(
        (
            held_out >= sample.held_out_floor,
            agreement >= sample.example_floor,
            size < MAX_VERSION_BYTES,
        )
    )
    print(f"  files {size / 1000:.0f} kB; {'passed' if passed else 'FAILED'}")
    return passed


def load(folder: Path, file: str) -> keras.Model:
    if file == "architecture.json":
        model = keras.models.model_from_json((folder / file).read_text())
        model.load_weights(folder / "model.weights.h5")
        return model
    return keras.saving.load_model(folder / file)


def choose(sample: Sample, model: keras.Model, rows: Floats) -> Indices:
    """The index of the label the model gives each row."""
    scores: Floats = np.asarray(model.predict(rows, verbose=0), dtype=np.float64)
    if scores.shape[1] == 1:
        return np.asarray(scores[:, 0] >= sample.threshold, dtype=np.int64)
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


def print_classes(labels: list[str], chosen: Indices, truths: Indices) -> None:
    print(f"  {'label':<10} {'precision':>9} {'recall':>9} {'rows':>5}")
    for index, label in enumerate(labels):
        hits = np.sum((chosen == index) & (truths == index))
        precision = hits / max(np.sum(chosen == index), 1)
        recall = hits / np.sum(truths == index)
        print(f"  {label:<10} {precision:9.1%} {recall:9.1%} {np.sum(truths == index):5}")


def print_lengths(
    sample: Sample, model: keras.Model, split: Split, lengths: tuple[int, ...]
) -> None:
    """Shows that short sequences work: accuracy over all neighbouring windows of a length."""
    for steps in lengths:
        windows = split.held_rows.reshape(-1, steps, split.held_rows.shape[-1])
        truths = np.repeat(split.held_truths, SERIES_STEPS // steps)
        accuracy = np.mean(choose(sample, model, windows) == truths)
        print(f"  accuracy {accuracy:.1%} of {len(truths)} windows of {steps} steps")


def agree(sample: Sample, model: keras.Model) -> float:
    """The share of examples.json the model answers as labelled."""
    examples = json.loads(sample.examples.read_text())
    chosen = choose(sample, model, np.array(examples["instances"], dtype=np.float64))
    right = [sample.labels[i] == truth for i, truth in zip(chosen, examples["labels"], strict=True)]
    print(f"  examples.json: {sum(right)} of {len(right)} rows as labelled")
    return float(np.mean(right))


if __name__ == "__main__":
    # Each length of series is one more graph, which TensorFlow warns about; there are only three.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    sys.exit(main())
