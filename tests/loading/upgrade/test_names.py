"""Names with a slash: renamed everywhere, and remembered."""

from service.loading.upgrade.model import upgrade
from tests.loading.handmade import layer, sequential
from tests.loading.upgrade.examples import INPUT, dense, functional, named


def test_a_name_is_changed_wherever_it_stands() -> None:
    start = {**INPUT, "config": {**INPUT["config"], "name": "cqt/mag"}}
    attention = layer("MultiHeadAttention", name="block/y", num_heads=1, key_dim=2)
    node = [[["cqt/mag", 0, 0, {"value": ["cqt/mag", 0, 0]}]]]
    model = functional(named(start, []), named(attention, node), output="block/y")
    model["config"]["input_layers"] = [["cqt/mag", 0, 0]]

    upgraded = upgrade(model, "2.2.2")

    first, second = upgraded.config["config"]["layers"]
    assert (first["name"], first["config"]["name"]) == ("cqt_mag", "cqt_mag")
    assert second["inbound_nodes"][0]["args"][0]["config"]["keras_history"] == ["cqt_mag", 0, 0]
    assert (
        second["inbound_nodes"][0]["kwargs"]["value"]["config"]["keras_history"]
        == ["cqt_mag", 0, 0]
    )  # fmt: skip
    assert upgraded.config["config"]["input_layers"] == [["cqt_mag", 0, 0]]
    assert upgraded.config["config"]["output_layers"] == [["block_y", 0, 0]]
    assert upgraded.renamed == {"cqt_mag": "cqt/mag", "block_y": "block/y"}


def test_a_new_name_is_no_others() -> None:
    model = sequential(INPUT, dense(name="a/b"), dense(name="a_b"), dense(name="a_b_1"))

    upgraded = upgrade(model, "2.2.2")

    names = [item["config"]["name"] for item in upgraded.config["config"]["layers"]]
    assert names == ["x", "a_b_2", "a_b", "a_b_1"]
    assert upgraded.renamed == {"a_b_2": "a/b"}


def test_layers_within_wrappers_and_models_are_renamed_too() -> None:
    wrapped = layer("TimeDistributed", name="t", layer=dense(name="in/ner"))
    inner = sequential(INPUT, dense(name="a/b"))
    inner["config"]["name"] = "mo/del"

    upgraded = upgrade(sequential(INPUT, wrapped, inner), "2.2.2")

    _, wrapper, model = upgraded.config["config"]["layers"]
    assert wrapper["config"]["layer"]["config"]["name"] == "in_ner"
    assert model["config"]["name"] == "mo_del"
    assert upgraded.renamed == {"a_b": "a/b", "in_ner": "in/ner", "mo_del": "mo/del"}


def test_an_input_that_is_added_has_the_name_that_keras_gave_it() -> None:
    upgraded = upgrade(sequential(dense(name="a/b", batch_input_shape=[None, 4])), "2.2.2")

    assert upgraded.config["config"]["layers"][0]["config"]["name"] == "a_b_input"
    assert upgraded.renamed["a_b_input"] == "a/b_input"


def test_other_names_stay() -> None:
    upgraded = upgrade(sequential(INPUT, dense(name="tf.math.add_1")), "2.4.0")

    assert upgraded.renamed == {}
    assert "slash_in_name" not in upgraded.rules
