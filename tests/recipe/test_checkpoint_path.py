"""Names of checkpoints in every style that people know, and never out of the job's folder."""

import pytest

from service.recipe.checkpoint_path import check_path, names_in, normalise, normalise_all

STYLES = [
    ("cp.ckpt", True, "cp.weights.h5"),
    ("training_1/cp.ckpt", True, "cp.weights.h5"),
    ("training_2/cp-{epoch:04d}.ckpt", True, "cp-{epoch:04d}.weights.h5"),
    ("cp.ckpt", False, "cp.keras"),
    (
        "weights.{epoch:02d}-{val_loss:.2f}.hdf5",
        True,
        "weights.{epoch:02d}-{val_loss:.2f}.weights.h5",
    ),
    ("weights.{epoch:02d}-{val_loss:.2f}.hdf5", False, "weights.{epoch:02d}-{val_loss:.2f}.h5"),
    ("best-{val_acc:.3f}.h5", False, "best-{val_accuracy:.3f}.h5"),
    ("model.keras", False, "model.keras"),
    ("model.keras", True, "model.weights.h5"),
    ("model.weights.h5", True, "model.weights.h5"),
    ("model.weights.h5", False, "model.h5"),
    ("/tmp/ckpt/checkpoint.model.keras", False, "checkpoint.model.keras"),
    ("C:\\models\\best.h5", False, "best.h5"),
    ("gs://bucket/run/best.h5", False, "best.h5"),
    ("../../etc/passwd", False, "passwd.keras"),
    ("..", False, "checkpoint.keras"),
    ("~/best", True, "best.weights.h5"),
    ("saved_model/", False, "saved_model.keras"),
    ("{epoch:02d}/model.h5", False, "{epoch:02d}-model.h5"),
    ("my model (1).h5", False, "my_model__1_.h5"),
    (".hidden.keras", False, "hidden.keras"),
    (f"/{'scratch/' * 30}cp.ckpt", True, "cp.weights.h5"),
]


@pytest.mark.parametrize(("given", "weights_only", "kept"), STYLES, ids=str)
def test_each_style_becomes_a_name_that_keras_accepts(
    given: str, weights_only: bool, kept: str
) -> None:
    check_path(given)

    path = normalise(given, weights_only)

    assert path.pattern == kept
    assert path.change == ("" if given == kept else f"{given} is kept as {kept}")
    assert "/" not in path.pattern.format(epoch=1, val_loss=0.5, val_accuracy=0.5)


def test_two_checkpoints_never_share_a_file() -> None:
    paths = normalise_all([("a/best.h5", False), ("b/best.h5", False), ("best.h5", True)])

    assert [path.pattern for path in paths] == ["best.h5", "2-best.h5", "best.weights.h5"]


def test_the_metrics_in_a_name_are_known() -> None:
    assert names_in("{epoch:02d}-{batch}-{val_loss:.2f}-{loss}.keras") == ("val_loss", "loss")
