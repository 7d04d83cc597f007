"""SavedModels looked at without TensorFlow: what they are, and what of them is refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.base.refusals import FileBroken, ModelUnsupported
from service.base.signature import TensorSpec
from service.loading.allow_list.graph_operations import COMPUTE, FROM_TEXT_FILE, SAVER
from service.loading.files.protobufs import MAX_BYTES
from service.loading.saved_model.inspection import inspect_saved_model
from tests.loading.handmade_tensorflow import HandmadeSavedModel

SHARD = "variables/variables.data-00000-of-00001"
Spoil = Callable[[HandmadeSavedModel], object]


@pytest.fixture
def model() -> HandmadeSavedModel:
    return HandmadeSavedModel()


def test_says_what_it_is_made_of(model: HandmadeSavedModel, tmp_path: Path) -> None:
    model.add_saver()
    model.meta.meta_info_def.tensorflow_version = "2.7.0"
    model.meta.object_graph_def.nodes[0].user_object.identifier = "_tf_keras_model"
    model.meta.object_graph_def.nodes[0].user_object.metadata = '{"keras_version": "2.4.0"}'
    model.add_signature("other", {"x": (None, 4)}, {"y": (None, 2)})

    info = inspect_saved_model(model.write(tmp_path / "m"))

    info.refuse_if_unsafe()
    assert info.signature_name == "serving_default"
    assert info.signatures == ("other", "serving_default")
    assert info.signature.inputs == (TensorSpec("x", "float32", (None, 4)),)
    assert info.signature.outputs == (TensorSpec("y", "float32", (None, 2)),)
    assert info.operations == ("Identity", "Placeholder", "StatefulPartitionedCall", "VarHandleOp")
    assert info.parameters == 8
    assert info.keras_version == "2.4.0"
    assert (info.tensorflow_version, info.tags, info.batch_size) == ("2.7.0", ("serve",), None)


def test_is_found_in_a_folder_of_any_name(model: HandmadeSavedModel, tmp_path: Path) -> None:
    model.add_asset("words.txt")
    files = {f"export/7/{name}": path for name, path in model.write(tmp_path / "m").items()}

    info = inspect_saved_model({"notes.json": tmp_path, **files})

    assert (info.prefix, info.graph_file) == ("export/7/", "export/7/saved_model.pb")


def test_several_in_one_version_are_refused(model: HandmadeSavedModel, tmp_path: Path) -> None:
    files = model.write(tmp_path / "m")
    both = {f"{number}/{name}": path for number in (1, 2) for name, path in files.items()}

    with pytest.raises(FileBroken, match="several SavedModels"):
        inspect_saved_model(both)


def test_a_signature_may_be_chosen(model: HandmadeSavedModel, tmp_path: Path) -> None:
    model.meta.signature_def[0].key = "a"
    model.add_signature("b", {"x": (3, 4)}, {"y": (3, 2)})
    files = model.write(tmp_path / "m")

    assert inspect_saved_model(files, "b").batch_size == 3
    with pytest.raises(
        ModelUnsupported, match=r"choose one by `signature` in model\.yaml, or --signature: a, b"
    ):
        inspect_saved_model(files)
    with pytest.raises(ModelUnsupported, match="no signature 'c', but: a, b"):
        inspect_saved_model(files, "c")


def test_the_only_signature_needs_no_name(model: HandmadeSavedModel, tmp_path: Path) -> None:
    model.meta.signature_def[0].key = "predict"
    model.add_signature("__saved_model_init_op", {}, {"y": (None, 2)})

    assert inspect_saved_model(model.write(tmp_path / "m")).signature_name == "predict"


def test_of_several_graphs_the_one_for_serving_counts(
    model: HandmadeSavedModel, tmp_path: Path
) -> None:
    model.remove_objects()
    model.message.meta_graphs.add().meta_info_def.tags.extend(["train"])

    assert inspect_saved_model(model.write(tmp_path / "m")).tags == ("serve",)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: m.meta.signature_def.pop(), "no signature"),
        (lambda m: m.meta.signature_def[0].value.inputs.pop(), "no inputs"),
        (lambda m: _end(m, "inputs").tensor_shape.dim.pop(0) and _pop(m), "one value, not one per"),
        (lambda m: setattr(_end(m, "inputs").tensor_shape, "unknown_rank", True), "what shape"),
        (lambda m: setattr(_end(m, "outputs"), "dtype", 20), "the dtype resource"),
        (lambda m: _end(m, "outputs").coo_sparse.SetInParent(), "sparse or ragged"),
        (lambda m: setattr(_end(m, "outputs").tensor_shape.dim[0], "size", 9), "has 9 rows"),
    ],
)
def test_signatures_that_cant_be_served_are_refused(
    model: HandmadeSavedModel, tmp_path: Path, change: Spoil, why: str
) -> None:
    change(model)

    with pytest.raises(ModelUnsupported, match=why):
        inspect_saved_model(model.write(tmp_path / "m"))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda files: files["saved_model.pb"].write_bytes(b""), "0 graphs"),
        (lambda files: files["saved_model.pb"].write_bytes(b"\xff" * 50), "damaged, incomplete"),
        (lambda files: os.truncate(files["saved_model.pb"], 60), "damaged, incomplete"),
        (lambda files: os.truncate(files["saved_model.pb"], MAX_BYTES + 1), "larger than"),
        (lambda files: files.pop("saved_model.pb"), "saved_model.pb is missing"),
        (lambda files: files.pop("variables/variables.index"), "variables are missing"),
        (lambda files: files["variables/variables.index"].write_bytes(b"x" * 99), "no index"),
        (lambda files: os.truncate(files[SHARD], 5), "beyond the end"),
        (lambda files: files.pop("assets/words.txt"), "assets/words.txt is missing"),
    ],
)
def test_damage_is_refused(
    model: HandmadeSavedModel, tmp_path: Path, spoil: Callable[[dict[str, Path]], object], why: str
) -> None:
    model.add_asset("words.txt")
    files = model.write(tmp_path / "m")
    spoil(files)

    with pytest.raises(FileBroken, match=why):
        inspect_saved_model(files)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: m.add_node("x", "Identity"), "the name 'x' twice"),
        (lambda m: m.add_function("__inference_f_1", ()), "the name '__inference_f_1' twice"),
        (lambda m: _bind(m, 9), "aren't there"),
        (lambda m: setattr(_asset_object(m), "asset_file_def_index", 4), "an asset that isn't"),
    ],
)
def test_what_refers_to_nothing_is_refused(
    model: HandmadeSavedModel, tmp_path: Path, change: Spoil, why: str
) -> None:
    change(model)

    with pytest.raises(FileBroken, match=why):
        inspect_saved_model(model.write(tmp_path / "m"))


def test_the_list_of_operations_holds_none_that_touches_files_or_code() -> None:
    named = ("File", "PyFunc", "Print", "Save", "Restore", "Dataset", "Queue", "Send", "Debug")
    touching = {name for name in COMPUTE for part in named if part in name}

    assert touching == FROM_TEXT_FILE
    assert not COMPUTE & (
        SAVER | {"Abort", "ImmutableConst", "DecodeProtoV2", "LoadAndRemapMatrix"}
    )


def _end(model: HandmadeSavedModel, which: str) -> Any:
    return getattr(model.meta.signature_def[0].value, which)[0].value


def _pop(model: HandmadeSavedModel) -> object:
    return _end(model, "inputs").tensor_shape.dim.pop()


def _bind(model: HandmadeSavedModel, number: int) -> None:
    concrete = model.meta.object_graph_def.concrete_functions.add(key="__inference_f_1")
    concrete.value.bound_inputs.append(number)


def _asset_object(model: HandmadeSavedModel) -> Any:
    return model.meta.object_graph_def.nodes.add().asset
