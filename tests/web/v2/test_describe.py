"""Metadata and configuration, held against whole answers."""

from pathlib import Path
from typing import Any

import pytest

from service import __version__
from service.base.settings import Settings
from service.base.signature import STRING, Signature, TensorSpec
from service.repository.model_config import ModelConfig
from service.repository.states import State, VersionRow
from service.runtime.plan import Plan
from service.web.v2 import describe
from tests.web.v2.asking import FLOATS, facts

LABELLED = ModelConfig(labels=("stay", "leave", "unsure"))
BATCHED = Plan(
    is_batched=True, max_batch_size=32, max_wait_s=0.0015, loop_rows=40, parallel=2, threads=1,
    times={1: 0.00002, 8: 0.00005}, why="because",
)  # fmt: skip
MIXED = Signature(
    (TensorSpec("words", STRING, (None, 1)), TensorSpec("x", "float16", (None, None, 3))),
    (TensorSpec("n", "int64", (None,)), TensorSpec("ok", "bool", (None, 2))),
)


def test_server_metadata_lists_what_is_done() -> None:
    assert describe.server_metadata() == {
        "name": "kerasd",
        "version": __version__,
        "extensions": [
            "classification",
            "model_repository",
            "model_repository(unload_dependents)",
            "model_configuration",
            "binary_tensor_data",
            "parameters",
            "statistics",
        ],
    }


def test_model_metadata_has_the_decisions_among_its_outputs() -> None:
    assert describe.model_metadata(facts(FLOATS, LABELLED, extra_keys=True), [10, 7]) == {
        "name": "churn",
        "versions": ["7", "10"],
        "platform": "tensorflow_keras",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}],
        "outputs": [
            {"name": "probs", "datatype": "FP32", "shape": [-1, 3]},
            {"name": "class_index", "datatype": "INT64", "shape": [-1]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "score", "datatype": "FP32", "shape": [-1]},
        ],
    }


def test_model_metadata_of_every_kind_of_tensor() -> None:
    record = describe.model_metadata(facts(MIXED), [7])
    assert record["inputs"] == [
        {"name": "words", "datatype": "BYTES", "shape": [-1, 1]},
        {"name": "x", "datatype": "FP16", "shape": [-1, -1, 3]},
    ]
    assert record["outputs"] == [
        {"name": "n", "datatype": "INT64", "shape": [-1]},
        {"name": "ok", "datatype": "BOOL", "shape": [-1, 2]},
    ]


def test_model_config_tells_how_the_version_is_run() -> None:
    config = describe.model_config(facts(FLOATS, LABELLED, extra_keys=True), BATCHED, 4)
    parameters = config.pop("parameters")
    assert config == {
        "name": "churn",
        "platform": "tensorflow_keras",
        "backend": "onnxruntime",
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": 100,
        "input": [
            {
                "name": "x",
                "data_type": "TYPE_FP32",
                "dims": [2],
                "format": "FORMAT_NONE",
                "optional": False,
            }
        ],
        "output": [
            {"name": "probs", "data_type": "TYPE_FP32", "dims": [3]},
            {"name": "class_index", "data_type": "TYPE_INT64", "dims": []},
            {"name": "label", "data_type": "TYPE_STRING", "dims": []},
            {"name": "score", "data_type": "TYPE_FP32", "dims": []},
        ],
        "instance_group": [{"name": "churn", "kind": "KIND_CPU", "count": 4}],
        "dynamic_batching": {
            "preferred_batch_size": [32],
            "max_queue_delay_microseconds": 1500,
        },
    }
    assert parameters["format"] == {"string_value": "h5"}
    assert parameters["place"] == {"string_value": "loop"}
    assert parameters["measured_ms"] == {"string_value": '{"1":0.02,"8":0.05}'}
    assert all(isinstance(value["string_value"], str) for value in parameters.values())


def test_a_fixed_number_of_rows_is_part_of_the_dims() -> None:
    fixed = Signature((TensorSpec("x", "float32", (4, 2)),), (TensorSpec("y", "float32", (4, 1)),))
    unbatched = Plan(False, 1, 0.0, 1, 1, 1, {}, "because")
    config = describe.model_config(facts(fixed), unbatched, 1)
    assert config["max_batch_size"] == 0
    assert config["input"][0]["dims"] == [4, 2]
    assert config["output"][0]["dims"] == [4, 1]
    assert "dynamic_batching" not in config


def test_models_are_listed_as_long_as_they_are_not_retired() -> None:
    rows = [
        VersionRow("b", 1, State.FAILED),
        VersionRow("a", 2, State.READY),
        VersionRow("a", 1, State.READY),
        VersionRow("gone", 1, State.RETIRED),
    ]
    assert describe.model_list(rows) == {"models": ["a", "b"]}


def test_log_settings_are_those_of_the_process(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, log_level="WARNING", log_format="text")
    assert describe.log_settings(settings) == {
        "log_file": "",
        "log_info": False,
        "log_warning": True,
        "log_error": True,
        "log_verbose_level": 0,
        "log_format": "text",
    }


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("all", {"all": {}}),
        ({"latest": 3}, {"latest": {"num_versions": 3}}),
        ({"specific": [1, 4]}, {"specific": {"versions": [1, 4]}}),
    ],
    ids=str,
)
def test_the_version_policy_is_tritons(policy: Any, told: Any) -> None:
    config = ModelConfig(version_policy=policy)
    record = describe.model_config(facts(FLOATS, config), BATCHED, 1)
    assert record["version_policy"] == told
