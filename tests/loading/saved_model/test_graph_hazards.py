"""SavedModels that would do more than compute, each in its own way; and their harmless likes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.base.refusals import FileUnsafe
from service.loading.saved_model.inspection import inspect_saved_model
from tests.loading.handmade_tensorflow import RESTORE, SAVE, HandmadeSavedModel, new

TABLE = "InitializeTableFromTextFileV2"
INITIALISER, INNER = "__inference_initializer_7", "__inference_inner_8"
Change = Callable[[HandmadeSavedModel], object]


def _inspect(model: HandmadeSavedModel, folder: Path) -> None:
    inspect_saved_model(model.write(folder)).refuse_if_unsafe()


def _serve(model: HandmadeSavedModel, node: str) -> object:
    return model.add_signature("another", {"x": (None, 4)}, {node: (None,)})


def _enormous(model: HandmadeSavedModel) -> None:
    shape = model.add_node("c", "Const").attr.add(key="value").value.tensor.tensor_shape
    for _ in range(3):
        shape.dim.add(size=10_000)


def _hold_what_calls(model: HandmadeSavedModel, function: str) -> None:
    outer = model.add_function("__inference_outer_5", ())
    model.add_call(outer, "call", "While", f=function)
    model.add_object("__inference_outer_5")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: m.add_function("__inference_g_2", (), "WriteFile"), "'WriteFile' in the func"),
        (lambda m: m.add_node("n", "ReadFile"), "'ReadFile' in the graph"),
        (lambda m: m.add_node("n", "NoSuchOperation"), "'NoSuchOperation'"),
        (lambda m: m.add_function("ReadFile", ()) and m.add_node("n", "ReadFile"), "'ReadFile'"),
        (lambda m: m.add_object(RESTORE), "which isn't the saver"),
        (lambda m: _hold_what_calls(m, SAVE), "'__inference_outer_5', which isn't the saver"),
        (lambda m: m.add_call(m.function, "s", "SaveV2"), "'y' saves or restores files"),
        (lambda m: m.add_call(m.function, "s", "If", f=RESTORE), "'y' saves or restores files"),
        (lambda m: m.add_node("z", "Identity", "x", "^save") and _serve(m, "z"), "'z' saves"),
        (_enormous, "'c' in the graph is an enormous constant"),
        (lambda m: m.add_asset("../secret", is_there=False), "'../secret' lies outside"),
        (lambda m: m.add_asset("/etc/hostname", is_there=False), "lies outside"),
        (lambda m: m.add_asset("", is_there=False), "lies outside"),
    ],
)
def test_what_does_more_than_compute_is_refused(tmp_path: Path, change: Change, why: str) -> None:
    model = HandmadeSavedModel()
    model.add_saver()
    change(model)

    with pytest.raises(FileUnsafe, match=why):
        _inspect(model, tmp_path / "m")


def test_hazards_are_told_before_what_is_merely_unsupported(tmp_path: Path) -> None:
    model = HandmadeSavedModel()
    model.add_node("n", "ReadFile")
    model.meta.ClearField("signature_def")

    with pytest.raises(FileUnsafe, match="ReadFile"):
        _inspect(model, tmp_path / "m")


def test_restoring_may_not_write(tmp_path: Path) -> None:
    model = HandmadeSavedModel()
    model.add_saver(restore=SAVE)

    with pytest.raises(FileUnsafe, match="restoring the model writes"):
        _inspect(model, tmp_path / "m")


# Below: graphs of TensorFlow 1, of which parts are run when they are loaded.


def _initialise(model: HandmadeSavedModel, node: str) -> None:
    collection = model.meta.collection_def.add(key="saved_model_main_op")
    collection.value.node_list.value.append(node)


def _define(model: HandmadeSavedModel, initial_value: str) -> None:
    definition = new("VariableDef", initial_value_name=initial_value).SerializeToString()
    collection = model.meta.collection_def.add(key="variables")
    collection.value.bytes_list.value.extend([b"\xff\xff", definition])


def _name_savers(model: HandmadeSavedModel) -> None:
    saver = model.meta.saver_def.SerializeToString()
    model.meta.collection_def.add(key="savers").value.bytes_list.value.append(saver)


@pytest.mark.parametrize("change", [_name_savers, lambda m: _initialise(m, "y"), lambda m: None])
def test_a_graph_of_tensorflow_1_is_let_through(tmp_path: Path, change: Change) -> None:
    model = HandmadeSavedModel()
    model.remove_objects()
    change(model)

    _inspect(model, tmp_path / "m")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: m.restore_all.input.append("^save/SaveV2"), "restoring the model writes"),
        (lambda m: m.add_node("r", "RestoreV2", "x"), "'r' reads another file"),
        (lambda m: m.add_node("r", "RestoreV2"), "'r' reads another file"),
        (lambda m: _initialise(m, "save/SaveV2"), "'save/SaveV2' saves or restores"),
        (lambda m: _define(m, "save/RestoreV2:0"), "'save/RestoreV2' saves or restores"),
        (lambda m: m.add_function("__inference_r_2", (), "RestoreV2"), "a graph without objects"),
    ],
)
def test_a_graph_of_tensorflow_1_that_writes_or_reads_is_refused(
    tmp_path: Path, change: Change, why: str
) -> None:
    model = HandmadeSavedModel()
    model.remove_objects()
    change(model)

    with pytest.raises(FileUnsafe, match=why):
        _inspect(model, tmp_path / "m")


# Below: tables filled from a file, which must be an asset wherever its name comes from.


def _table(model: HandmadeSavedModel, name: str = INITIALISER) -> None:
    function = model.add_function(name, ("table", "path"))
    model.add_call(function, "same", "Identity", "path")
    model.add_call(function, "fill", TABLE, "table", "same:output:0")


def _bound_table(model: HandmadeSavedModel, kind: str) -> None:
    _table(model)
    model.add_object(INITIALISER, "resource", kind)


def _nested_table(model: HandmadeSavedModel, call: str, kind: str) -> None:
    _table(model, INNER)
    outer = model.add_function(INITIALISER, ("table", "path"))
    model.add_call(outer, "call", call, "table", "path", f=INNER)
    model.add_object(INITIALISER, "resource", kind)


def _constant_table(model: HandmadeSavedModel) -> None:
    function = model.add_function(INITIALISER, ("table",))
    model.add_call(function, "path", "Const")
    model.add_call(function, "fill", TABLE, "table", "path:output:0")
    model.add_object(INITIALISER, "resource")


def _free_table(model: HandmadeSavedModel) -> None:
    _table(model)
    model.add_object(INITIALISER)


def _old_table(model: HandmadeSavedModel, path: str) -> object:
    model.remove_objects()
    model.add_node("path", "Const")
    model.add_node("table", "HashTableV2")
    return model.add_node("fill", TABLE, "table", f"{path}:0")


@pytest.mark.parametrize(
    "change",
    [
        _table,  # of no object: it is never run
        lambda m: _bound_table(m, "asset"),
        lambda m: _nested_table(m, "StatefulPartitionedCall", "asset"),
        lambda m: (m.add_asset("b.txt", tensor="path"), _old_table(m, "path")),
    ],
)
def test_a_table_filled_from_an_asset_is_let_through(tmp_path: Path, change: Change) -> None:
    model = HandmadeSavedModel()
    model.add_asset("a.txt")
    change(model)

    _inspect(model, tmp_path / "m")


@pytest.mark.parametrize(
    "change",
    [
        _constant_table,
        _free_table,
        lambda m: _bound_table(m, "constant"),
        lambda m: _nested_table(m, "StatefulPartitionedCall", "constant"),
        lambda m: _nested_table(m, "While", "asset"),
        lambda m: _old_table(m, "path"),
        lambda m: _old_table(m, "x"),
        lambda m: m.add_function(INITIALISER, ("table",), TABLE),
    ],
)
def test_a_table_filled_from_any_other_file_is_refused(tmp_path: Path, change: Change) -> None:
    model = HandmadeSavedModel()
    model.add_asset("a.txt")
    change(model)

    with pytest.raises(FileUnsafe, match="fills a table from a file that is no asset"):
        _inspect(model, tmp_path / "m")
