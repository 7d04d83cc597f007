"""tf_keras gets bare class names: it imports every module that a configuration names."""

import sys
from pathlib import Path

import pytest

from service.loading.fallback import bare
from tests.loading.handmade import layer, sequential


def test_modules_and_registered_names_are_left_out() -> None:
    strange = {**layer("Foo", units=2), "module": "evil_module", "registered_name": "x>Foo"}
    function = {"class_name": "function", "config": "relu", "module": "evil_module"}
    dense = {**layer("Dense", activation=function), "build_config": {}, "module": "keras.layers"}

    config = bare(sequential(strange, dense))

    assert config["config"]["layers"] == [
        layer("Foo", units=2), layer("Dense", activation="relu")
    ]  # fmt: skip


def test_settings_named_like_a_home_stay_where_no_class_is_named() -> None:
    assert bare({"module": 1, "inner": [{"module": 2}]}) == {"module": 1, "inner": [{"module": 2}]}


@pytest.mark.slow
def test_tf_keras_imports_nothing_that_a_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    import tf_keras

    (tmp_path / "evil_module.py").write_text("class Foo: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    foo = {**layer("Foo", units=2), "module": "evil_module", "registered_name": "x>Foo"}
    start = layer("InputLayer", batch_input_shape=[None, 4], name="x")
    config = {**sequential(start, foo), "module": "tf_keras", "registered_name": None}

    objects = {"Foo": tf_keras.layers.Dense}
    model = tf_keras.models.model_from_json(json.dumps(bare(config)), objects)

    assert model.output_shape == (None, 2)
    assert "evil_module" not in sys.modules
