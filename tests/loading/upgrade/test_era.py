"""Which Keras wrote a file."""

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.era import era_of, is_modern, parse_era
from tests.loading.handmade import layer, modern_layer, sequential, tiny


@pytest.mark.parametrize(
    ("version", "era"),
    [
        ("1.0.4", "Keras 1"),
        ("1.2.2", "Keras 1"),
        ("2.0.5", "Keras 2"),
        ("2.3.1", "Keras 2"),
        ("2.2.4-tf", "tf.keras 2"),
        ("2.4.0", "tf.keras 2"),
        ("2.15.0", "tf.keras 2"),
        ("3.0.0", "Keras 3"),
        ("3.15.1", "Keras 3"),
        ("999.0", "Keras 3"),
    ],
)
def test_the_version_tells(version: str, era: str) -> None:
    assert era_of(tiny(), version) == era


@pytest.mark.parametrize(
    ("config", "era"),
    [
        (sequential(layer("Dense", output_dim=3, batch_input_shape=[None, 4])), "Keras 1"),
        (sequential(layer("Dense", units=3, batch_input_shape=[None, 4])), "Keras 2"),
        (sequential(layer("Embedding", output_dim=3, batch_input_shape=[None, 4])), "Keras 2"),
        ({"module": "keras", **sequential(layer("Dense", units=3))}, "Keras 3"),
        (sequential(layer("Dense", units=3)), "Keras 2"),
    ],
)
@pytest.mark.parametrize("version", ["", "unknown", "x.y"])
def test_the_form_tells_where_no_version_does(config: Json, era: str, version: str) -> None:
    assert era_of(config, version) == era


@pytest.mark.parametrize(
    ("version", "modern"), [("3.0.0", True), ("10.1", True), ("2.15.0", False), ("1.2.2-tf", False)]
)
def test_the_file_says_which_keras_wrote_it(version: str, modern: bool) -> None:
    assert is_modern(tiny(), version) is modern


@pytest.mark.parametrize("version", ["", "unknown", "x.3", "9" * 5000])
def test_without_a_version_the_form_tells(version: str) -> None:
    """The JSON of Keras 3 carries no version; that of tf.keras from 2.13 looks similar."""
    start = modern_layer("InputLayer", batch_shape=[None, 4])
    old_start = layer("InputLayer", batch_input_shape=[None, 4])
    modern = {**sequential(start), "module": "keras"}
    between = {**sequential({**old_start, "module": "keras.layers"}), "module": "keras"}

    assert is_modern(modern, version)
    assert not is_modern(between, version)
    assert not is_modern(tiny(), version)


@pytest.mark.parametrize(
    ("version", "number"),
    [("2.2.4-tf", (2, 2, 4)), ("1.0", (1, 0, 0)), ("2", (2, 0, 0)), ("2.13.1rc0", (2, 13, 1)),
     ("", None), ("v2", None)],
)  # fmt: skip
def test_versions_as_files_spell_them(version: str, number: tuple[int, int, int] | None) -> None:
    assert parse_era(version).number == number


def test_what_says_nothing_is_taken_for_old() -> None:
    assert parse_era("").is_before(2, 3)
    assert parse_era("2.2.5").is_before(2, 3)
    assert not parse_era("2.3.0").is_before(2, 3)
    assert not parse_era("2.2.0").is_before(2)


@pytest.mark.parametrize(
    ("version", "ambiguous"),
    [("", True), ("2.2.4-tf", True), ("2.2.4", False), ("2.3.0-tf", False)],
)
def test_one_version_of_tensorflow_stands_for_several(version: str, ambiguous: bool) -> None:
    assert parse_era(version).is_ambiguous is ambiguous
