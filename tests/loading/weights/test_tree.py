"""Files of the Keras 3 layout: paths of attributes lead to the layers."""

from pathlib import Path

import numpy as np
import pytest

from service.base.refusals import WeightsMismatch
from service.loading.weights.assignment import WeightOptions, load_weights
from tests.loading.fake_keras import (
    LSTM,
    Dense,
    FakeLayer,
    Normalization,
    Sequential,
    StringLookup,
)
from tests.loading.weights.files import dense_vars, tree_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.weights.h5"


def test_slots_go_by_class_and_place(path: Path) -> None:
    first, second = Dense("zeta"), Dense("alpha")
    tree_file(path, {**dense_vars("dense", 1), **dense_vars("dense_1", 2)})

    report = load_weights(Sequential(first, FakeLayer("flatten"), second), path, "w")

    assert report.by == "path"
    assert report.matched == (("layers/dense", "zeta"), ("layers/dense_1", "alpha"))
    assert (first.first, second.first) == (1, 2)


def test_ten_and_more_layers_are_counted_not_spelt(path: Path) -> None:
    layers = [Dense(f"d{number}") for number in range(12)]
    slots = ["dense", *(f"dense_{number}" for number in range(1, 12))]
    arrays = [dense_vars(slot, number) for number, slot in enumerate(slots)]
    tree_file(path, {key: value for each in arrays for key, value in each.items()})

    load_weights(Sequential(*layers), path, "w")

    assert [layer.first for layer in layers] == list(range(12))


def test_names_go_before_slots(path: Path) -> None:
    first, second = Dense("first"), Dense("second")
    tree_file(
        path,
        {**dense_vars("dense", 2), **dense_vars("dense_1", 1)},
        {"layers/dense": "second", "layers/dense_1": "first"},
    )

    report = load_weights(Sequential(first, second), path, "w")

    assert report.by == "name"
    assert (first.first, second.first) == (1, 2)


def test_a_name_that_contradicts_its_slot_is_refused(path: Path) -> None:
    model = Sequential(Dense("first"), Dense("second"))
    tree_file(
        path,
        {**dense_vars("dense", 2), **dense_vars("dense_1", 1)},
        {"layers/dense": "second", "layers/dense_1": "third"},
    )

    with pytest.raises(WeightsMismatch, match="'second' of the file and 'first' of the model"):
        load_weights(model, path, "w")
    assert model.is_untouched()


def test_slots_that_are_the_names_of_layers(path: Path) -> None:
    first, second = Dense("first"), Dense("second")
    tree_file(path, {**dense_vars("second", 2), **dense_vars("first", 1)})

    assert load_weights(Sequential(first, second), path, "w").by == "name"
    assert (first.first, second.first) == (1, 2)


def test_keras_2_12_counted_every_layer_twice(path: Path) -> None:
    first, second = Dense("a"), Dense("b")
    arrays = {**dense_vars("dense", 1), **dense_vars("dense_2", 2)}
    tree_file(
        path,
        {key.replace("layers", "_layer_checkpoint_dependencies"): v for key, v in arrays.items()},
    )

    assert load_weights(Sequential(first, second), path, "w").by == "numbering"
    assert (first.first, second.first) == (1, 2)


def test_layers_within_layers_are_found_by_their_attributes(path: Path) -> None:
    lstm, inner = LSTM("lstm"), Dense("inner")
    wrapped = FakeLayer("wrapped").within(layer=inner)
    private = FakeLayer("attention").within(_query_dense=Dense("query"))
    tree_file(
        path,
        {
            "layers/lstm/cell/vars/0": np.ones((2, 12)),
            "layers/lstm/cell/vars/1": np.ones((3, 12)),
            "layers/lstm/cell/vars/2": np.ones(12),
            **dense_vars("fake_layer/layer", 2),
            **dense_vars("fake_layer_1/query_dense", 3),
        },
    )

    report = load_weights(Sequential(lstm, wrapped, private), path, "w")

    assert [name for _, name in report.matched] == ["lstm", "wrapped", "attention"]
    assert (lstm.first, inner.first, private.first) == (1, 2, 3)


def test_models_within_models(path: Path) -> None:
    inner = Sequential(Dense("a"), Dense("b"), name="body")
    tree_file(
        path,
        {**dense_vars("sequential/layers/dense", 1), **dense_vars("sequential/layers/dense_1", 2)},
    )

    load_weights(Sequential(inner), path, "w")

    assert [layer.first for layer in inner.layers] == [1, 2]


def test_a_list_of_cells(path: Path) -> None:
    cells = [Dense("one"), Dense("two")]
    layer = FakeLayer("rnn").within(cell=FakeLayer("stacked").within(cells=cells))
    arrays = {**dense_vars("fake_layer/cell/cells/dense", 1)}
    arrays |= dense_vars("fake_layer/cell/cells/dense_1", 2)
    tree_file(path, arrays)

    load_weights(Sequential(layer), path, "w")

    assert [cell.first for cell in cells] == [1, 2]


def test_a_model_of_attributes(path: Path) -> None:
    model = Sequential().within(encoder=Dense("dense"))
    arrays = dense_vars("encoder", 1)
    tree_file(path, {key.removeprefix("layers/"): value for key, value in arrays.items()})

    report = load_weights(model, path, "w")

    assert report.by == "path"
    assert report.matched == (("encoder", "dense"),)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ("layers/dense/vars/99", r"layer 'a' has weights of the shapes"),
        ("layers/dense_7/vars/0", "no place for .*layers/dense_7 of the file"),
        ("layers/dense/nowhere/vars/0", "no place for layers/dense/nowhere of the file"),
        ("stray", "no place for stray of the file"),
        ("layers/dense/__class__/vars/0", "no place for layers/dense/__class__ of the file"),
    ],
)
def test_arrays_beside_the_architecture_are_refused(path: Path, extra: str, named: str) -> None:
    model = Sequential(Dense("a"))
    tree_file(path, {**dense_vars("dense", 1), extra: np.ones(3)})

    with pytest.raises(WeightsMismatch, match=named):
        load_weights(model, path, "w")
    assert model.is_untouched()


def test_a_missing_layer_is_refused_by_name(path: Path) -> None:
    model = Sequential(Dense("a"), Dense("b"))
    tree_file(path, dense_vars("dense", 1), {"layers/dense": "a"})

    with pytest.raises(WeightsMismatch, match="the file has nothing for b"):
        load_weights(model, path, "w")
    assert model.is_untouched()


def test_an_empty_file_is_refused(path: Path) -> None:
    """Keras 3 itself loads nothing from some files, and says nothing."""
    tree_file(path, {}, {"": "sequential"})

    with pytest.raises(WeightsMismatch, match="the file has nothing for a"):
        load_weights(Sequential(Dense("a")), path, "w")


def test_what_serves_training_is_left_and_told(path: Path) -> None:
    layer = Dense("a")
    tree_file(
        path,
        {
            **dense_vars("dense", 1),
            "optimizer/vars/0": np.ones(3),
            "layers/dropout/seed_generator/vars/0": np.ones(2, "u4"),
        },
    )

    report = load_weights(Sequential(layer, FakeLayer("dropout")), path, "w")

    assert sorted(report.ignored) == ["layers/dropout/seed_generator", "optimizer"]
    assert any("only serves training" in sentence for sentence in report.sentences())


def test_fit_takes_a_body_and_leaves_the_head(path: Path) -> None:
    body, head = Dense("body"), Dense("head", 3, 5)
    tree_file(
        path,
        {**dense_vars("dense", 1), **dense_vars("dense_1", 2, 3, 10)},
        {"layers/dense": "body", "layers/dense_1": "head"},
    )

    report = load_weights(Sequential(body, head), path, "w", WeightOptions("fit"))

    assert body.first == 1
    assert report.left_in_file == ("layers/dense_1",)
    assert report.left_in_model == ("head",)


def test_the_count_of_a_normalization_is_an_integer_that_may_be_missing(path: Path) -> None:
    layer = Normalization("norm", mean=(1,), variance=(1,), count=())
    slot = "layers/normalization/vars"
    tree_file(path, {f"{slot}/0": np.array([5.0]), f"{slot}/1": np.array([2.0])})

    load_weights(Sequential(layer), path, "w")

    assert layer.finalized_with == 5.0


def test_vocabularies_are_told_to_be_elsewhere(path: Path) -> None:
    lookup = StringLookup("words")
    tree_file(path, dense_vars("dense", 1))

    report = load_weights(Sequential(lookup, Dense("a")), path, "w")

    assert report.elsewhere == ("words",)


def test_the_weights_of_words_go_to_the_lookup(path: Path) -> None:
    lookup = StringLookup("words")
    tree_file(path, {"layers/string_lookup/vars/idf_weights": np.ones(4), **dense_vars("dense", 1)})

    load_weights(Sequential(lookup, Dense("a")), path, "w")

    assert lookup.words.shape == (4,)


def test_bfloat16_is_read(path: Path) -> None:
    layer = FakeLayer("a", scale=(2,))
    halves = np.array([0x3F80, 0xC000], "<u2")  # 1 and -2
    file = tree_file(path, {"layers/fake_layer/vars/0": halves.view("V2")})
    import h5py

    with h5py.File(file, "r+") as opened:
        opened["layers/fake_layer/vars/0"].attrs["dtype"] = "bfloat16"

    load_weights(Sequential(layer), path, "w")

    assert layer.weights[0].value is not None
    assert layer.weights[0].value.tolist() == [1, -2]
