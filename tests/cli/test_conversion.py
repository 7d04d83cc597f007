"""`kerasd convert`: an old file becomes one of today that gives the same answers."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from tests.cli.test_main import kerasd
from tests.loading import real_keras
from tests.loading.handmade import write_whole

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]


def test_an_old_file_becomes_one_of_today_with_the_same_answers(tmp_path: Path) -> None:
    import keras

    sample = real_keras.keras_2_images(tmp_path)

    ended = kerasd("convert", "model.h5", "new.keras", "--json", folder=tmp_path)

    assert ended.returncode == 0, ended.stderr
    report = orjson.loads(ended.stdout)
    assert report["max_relative_error"] <= 1e-6
    assert report["batches"] == [1, 2, 7]
    rows = np.random.default_rng(1).normal(size=(3, 8, 8, 2)).astype("float32")
    (expected,) = sample.answer([rows])
    new = keras.saving.load_model(tmp_path / "new.keras")
    np.testing.assert_allclose(new(rows), expected, rtol=1e-5, atol=1e-6)


def test_what_was_written_is_served_again(tmp_path: Path) -> None:
    """hard_sigmoid of Keras 2 is a function of ours in the new file; we know it again."""
    real_keras.keras_2_text(tmp_path)
    assert kerasd("convert", "model.h5", "new.keras", folder=tmp_path).returncode == 0

    ended = kerasd("compile", "new.keras", "--json", folder=tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert orjson.loads(ended.stdout)["runtime"] == "onnx"


def test_nothing_is_overwritten_and_the_name_must_be_right(tmp_path: Path) -> None:
    write_whole(tmp_path / "model.h5")
    (tmp_path / "there.keras").write_text("mine")

    for name, words in (("there.keras", "there is such a file already"), ("x.h5", "end in .keras")):
        ended = kerasd("convert", "model.h5", name, folder=tmp_path)
        assert ended.returncode == 1
        assert words in ended.stderr

    assert (tmp_path / "there.keras").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} <= {"model.h5", "there.keras", ".kerasd"}


def test_a_file_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    real_keras.lambda_that_leaves(tmp_path / "marker", tmp_path)

    ended = kerasd("convert", "model.h5", "new.keras", folder=tmp_path)

    assert ended.returncode == 1
    assert "a Lambda carries Python bytecode" in ended.stderr
    assert not (tmp_path / "new.keras").exists()
    assert not (tmp_path / "marker").exists()
