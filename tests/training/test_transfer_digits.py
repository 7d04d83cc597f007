"""Transfer learning: what the digits' model has seen helps with another task over the same images.

The new task has five classes, two digits each. The body is that of the sample, frozen; only the
new head learns. It learns from rows that the sample has learned from, and is measured with those
that the sample has never seen.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from service.jobs.job import JobState
from service.training.model.prepared import Prepared
from service.training.retrain import retrain
from tests.training.asking import data_of, prepared, version_of
from tests.training.retraining import open_sample

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

SAMPLE = Path(__file__).parents[2] / "model_repo/digits/1"
SAMPLE_SEED, SAMPLE_HELD_OUT = 7, 0.25  # those of model_repo/train_samples.py
ROWS, CLASSES = 200, 5
MOST_EPOCHS = 30


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, ...]:
    """Rows and labels to learn from, then rows and labels held out."""
    rows, digit = load_digits(return_X_y=True)
    images, labels = rows.reshape(-1, 8, 8, 1).astype(np.float32), digit // 2
    learn, held, learn_labels, held_labels = train_test_split(
        images, labels, test_size=SAMPLE_HELD_OUT, random_state=SAMPLE_SEED, stratify=digit
    )
    return learn[:ROWS], learn_labels[:ROWS], held, held_labels


def _begin(digits: tuple[np.ndarray, ...], init: dict[str, Any], seed: int) -> Prepared:
    source = version_of(SAMPLE / "architecture.json", SAMPLE / "model.weights.h5")
    head = {"replace_head": {"classes": CLASSES, "labels": list("abcde")}}
    data = data_of(digits[0], digits[1], CLASSES)
    return prepared(source, data, init={**init, **head}, fit={"seed": seed})


def _frozen(begun: Prepared) -> dict[str, bytes]:
    """Weights that don't learn; what dropout draws from is none."""
    fixed = [v for v in begun.model.non_trainable_variables if "float" in v.dtype]
    return {variable.path: variable.numpy().tobytes() for variable in fixed}


def _epochs_to(accuracy: float, begun: Prepared, digits: tuple[np.ndarray, ...]) -> int:
    rows, labels, held, held_labels = digits
    for epoch in range(1, MOST_EPOCHS + 1):
        begun.model.fit(rows, begun.targets(labels), batch_size=32, shuffle=False, verbose=0)
        answers = begun.model.predict(held, verbose=0, batch_size=512)
        if float(np.mean(answers.argmax(axis=1) == held_labels)) >= accuracy:
            return epoch
    return MOST_EPOCHS + 1


@pytest.mark.parametrize("seed", [1, 2])
def test_learns_faster_under_a_frozen_body(digits: tuple[np.ndarray, ...], seed: int) -> None:
    begun = _begin(digits, {"freeze": {"all_but_last": 1}}, seed)
    body = _frozen(begun)
    head = begun.model.layers[-1].get_weights()

    epochs = _epochs_to(0.85, begun, digits)

    from_scratch = _epochs_to(0.85, _begin(digits, {"from": "architecture"}, seed), digits)
    assert epochs * 2 <= from_scratch, (epochs, from_scratch)
    assert _frozen(begun) == body
    assert len(body) == 4
    assert not np.array_equal(head[0], begun.model.layers[-1].get_weights()[0])


def test_the_report_says_what_was_loaded(digits: tuple[np.ndarray, ...]) -> None:
    report = _begin(digits, {"freeze": ["str*", "shapes"]}, 1).report

    init = report["init"]
    assert [(w["variable"], w["state"]) for w in init["weights"]["variables"]] == [
        ("strokes/kernel", "loaded"), ("strokes/bias", "loaded"),
        ("shapes/kernel", "loaded"), ("shapes/bias", "loaded"),
        ("digit/kernel", "fresh"), ("digit/bias", "fresh"),
    ]  # fmt: skip
    assert init["weights"]["counts"] == {"loaded": 4, "fresh": 2}
    assert init["weights"]["variables"][-1]["why"] == "the new head"
    assert init["freeze"]["frozen"] == ["strokes", "shapes"]
    assert init["freeze"]["learning"] == ["digit"]
    assert init["head"] == {
        "layer": "digit", "outputs_before": 10, "outputs": 5, "activation": "softmax",
        "classes": 5, "labels": list("abcde"),
    }  # fmt: skip
    assert report["compile"]["loss"]["class_name"] == "SparseCategoricalCrossentropy"
    assert report["compile"]["optimizer"]["state"] == "not restored: the head was replaced"


def test_the_same_seed_draws_the_same_head(digits: tuple[np.ndarray, ...]) -> None:
    one, same, other = (_begin(digits, {}, seed).model.get_weights() for seed in (3, 3, 4))

    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[-2], other[-2])


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The same as a job that publishes nothing: its folder, and its result."""
    shop = open_sample(tmp_path_factory.mktemp("shop"), SAMPLE.parent)
    rows, digit = load_digits(return_X_y=True)
    images = rows.reshape(-1, 8, 8, 1).astype(np.float32)
    assert shop.settings.data_dir is not None
    np.savez(shop.settings.data_dir / "pairs.npz", x=images, y=digit // 2)
    job = shop.submit(
        data={"file": "pairs.npz"},
        init={
            "freeze": {"all_but_last": 1},
            "replace_head": {"classes": CLASSES, "labels": list("abcde")},
        },
        fit={"epochs": 3},
        compile={"learning_rate": 0.01},
        promote="never",
    )
    found = shop.run(job, retrain)
    assert found.state is JobState.SUCCEEDED, (found.error, found.result)
    return shop.settings.jobs_dir / job.id, dict(shop.jobs.get(job.id).result)


def test_what_was_frozen_is_the_source_s_to_the_last_bit(
    ended: tuple[Path, dict[str, Any]],
) -> None:
    import keras

    folder, _ = ended
    source = keras.models.model_from_json((SAMPLE / "architecture.json").read_text())
    source.load_weights(SAMPLE / "model.weights.h5")
    trained = keras.models.load_model(folder / "candidate" / "model.keras")

    *body, head = trained.layers
    for layer in body:
        ours = [weight.tobytes() for weight in source.get_layer(layer.name).get_weights()]
        assert [weight.tobytes() for weight in layer.get_weights()] == ours, layer.name
    assert sum(len(layer.get_weights()) for layer in body) == 4
    assert head.kernel.shape[-1] == CLASSES


def test_its_report_says_what_was_loaded_and_what_is_new(
    ended: tuple[Path, dict[str, Any]],
) -> None:
    folder, result = ended
    report = json.loads((folder / "report.json").read_text())

    init = report["trained"]["prepared"]["init"]
    assert init["weights"]["counts"] == {"loaded": 4, "fresh": 2}
    assert init["freeze"]["frozen"] == ["strokes", "shapes"]
    assert init["head"]["outputs"] == CLASSES
    assert result["promoted"] is False
    assert result["scores"][0]["metrics"]["accuracy"] > 0.8
