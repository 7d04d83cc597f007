"""Every rule of the catalogue mends its example, and cures what Keras 3 really says."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from service.base.strict_json import Json
from service.loading.upgrade.catalogue import SILENT, catalogue
from service.loading.upgrade.model import upgrade
from service.loading.upgrade.multi_gpu import unwrap_multi_gpu
from service.loading.upgrade.training import upgrade_training
from tests.loading.handmade import modern_layer
from tests.loading.upgrade.examples import EXAMPLES, multi_gpu
from tests.loading.upgrade.faults import FAULTS, SEQUENCE, chain
from tests.loading.upgrade.rules_table import PAGE, with_table

CAUSES = {cause.name: cause for cause in catalogue()}
TRAINING = {"loss": "cosine_proximity", "optimizer_config": {"config": {"lr": 0.1, "decay": 0.0}}}
# Not made by `upgrade`: what the inspection and the retraining ask for.
ELSEWHERE = {"multi_gpu", "loss_names", "optimizer_arguments"}
BUILT = sorted(CAUSES.keys() - ELSEWHERE - {"custom_activation"})
# Seen when weights meet the model, or as a warning, or in a training configuration.
SEEN_LATER = ELSEWHERE | {"gru_reset_after", "leaky_slope"}


def test_rules_have_names_of_their_own_and_a_sentence() -> None:
    assert len(CAUSES) == len(catalogue())
    assert all(cause.cause.endswith(".") and cause.error for cause in catalogue())
    assert [cause.name for cause in catalogue()] == sorted(CAUSES)


def test_every_rule_has_an_example_and_every_example_a_rule() -> None:
    assert EXAMPLES.keys() | ELSEWHERE == CAUSES.keys()


def test_no_rule_is_applied_that_is_not_in_the_catalogue() -> None:
    applied = {rule for example in EXAMPLES.values() for rule in upgrade(*example).rules}

    assert applied == EXAMPLES.keys()


def test_the_documents_list_every_rule() -> None:
    page = PAGE.read_text()

    assert with_table(page) == page, "python -m tests.loading.upgrade.rules_table writes it"


@pytest.mark.parametrize("name", sorted(CAUSES))
def test_a_rule_mends_its_example(name: str) -> None:
    if name == "multi_gpu":
        inner = unwrap_multi_gpu(multi_gpu())
        assert inner is not None
        assert inner["class_name"] == "Sequential"
    elif name in ELSEWHERE:
        mended = upgrade_training(TRAINING)
        assert mended["loss"] == "cosine_similarity"
        assert mended["optimizer_config"] == {"config": {"learning_rate": 0.1}}
    else:
        assert name in upgrade(*EXAMPLES[name]).rules


def test_a_rule_tells_its_test() -> None:
    module, rest = CAUSES["time_major"].test.split("::")
    function, parameter = rest.rstrip("]").split("[")

    assert Path(module).name == Path(__file__).name
    assert function in globals()
    assert parameter == "time_major"


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT)
def test_a_mended_example_is_built_by_keras_3(name: str) -> None:
    assert _deserialize(upgrade(*EXAMPLES[name]).config).built


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FAULTS))
def test_keras_3_says_what_the_catalogue_says(name: str) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError, KeyError)) as caught:
        _deserialize(FAULTS[name])

    assert CAUSES[name].error in str(caught.value)


def test_every_error_is_proved() -> None:
    silent = {name for name, cause in CAUSES.items() if cause.error == SILENT}

    assert FAULTS.keys() == CAUSES.keys() - silent - SEEN_LATER


@pytest.mark.slow
def test_errors_that_are_seen_later_are_as_told(tmp_path: Path) -> None:
    import keras
    import tf_keras

    old = tf_keras.Sequential([tf_keras.layers.GRU(2, reset_after=False, input_shape=(3, 2))])
    old.save_weights(tmp_path / "old.h5")
    new = keras.Sequential([keras.Input((3, 2)), keras.layers.GRU(2)])

    _fails("gru_reset_after", lambda: new.load_weights(tmp_path / "old.h5"))
    adam = {"class_name": "Adam", "config": {"lr": 0.1}}
    _fails("optimizer_arguments", lambda: keras.optimizers.get(adam))
    _fails("loss_names", lambda: keras.losses.get("cosine_proximity"))
    code = {"class_name": "__lambda__", "config": {"code": "4wMA"}}
    lambda_layer = modern_layer("Lambda", name="code", function=code)
    _fails("multi_gpu", lambda: _deserialize(chain(SEQUENCE, lambda_layer)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        keras.layers.LeakyReLU(alpha=0.2)
    assert any(CAUSES["leaky_slope"].error in str(warning.message) for warning in caught)


def _fails(name: str, action: Any) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        action()
    assert CAUSES[name].error in str(caught.value)


def _deserialize(config: Json) -> Any:
    import keras

    import service.loading.legacy_layers  # noqa: F401

    return keras.saving.deserialize_keras_object(config)
