"""Custom classes come from the operator, never from a file."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.custom_state import fingerprint
from service.base.load_options import LoadOptions
from service.base.refusals import ModelUnsupported
from service.loading.custom import (
    are_any_registered,
    load_custom_objects,
    missing,
    name_custom,
    relevant,
)
from tests.loading.handmade import layer, modern_layer, sequential


@pytest.fixture(autouse=True)
def imports_are_undone() -> Iterator[None]:
    modules, path = dict(sys.modules), list(sys.path)
    yield
    sys.modules.clear()
    sys.modules.update(modules)
    sys.path[:] = path


def _module(folder: Path, name: str, text: str) -> LoadOptions:
    (folder / f"{name}.py").write_text(text)
    return LoadOptions(custom_objects=(name,), custom_objects_path=(str(folder),))


def test_the_public_classes_and_functions_of_a_module_are_registered(tmp_path: Path) -> None:
    text = "from json import JSONDecoder\nclass Scale: pass\ndef swish2(x): return x\n_hidden = 1\n"

    objects = load_custom_objects(_module(tmp_path, "public_parts", text), "m.h5")

    assert sorted(objects) == ["Scale", "swish2"]


@pytest.mark.parametrize("name", ["CUSTOM_OBJECTS", "custom_objects"])
def test_a_dictionary_says_exactly_what_is_registered(tmp_path: Path, name: str) -> None:
    text = f"class A: pass\n{name} = {{'<lambda>': abs, 'pkg>A': A}}\n"

    objects = load_custom_objects(_module(tmp_path, f"told_{name}".lower(), text), "m.h5")

    assert sorted(objects) == ["<lambda>", "pkg>A"]


@pytest.mark.parametrize(
    "text", ["raise RuntimeError('no')", "import nowhere_at_all", "def f(:", "x = 1 / 0"]
)
def test_a_module_that_can_not_be_imported_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        ModelUnsupported, match="custom_objects module broken_one can't be imported"
    ):
        load_custom_objects(_module(tmp_path, "broken_one", text), "m.h5")


def test_nothing_is_registered_unless_the_operator_says_so() -> None:
    assert not are_any_registered(LoadOptions())
    assert load_custom_objects(LoadOptions(), "m.h5") == {}
    assert are_any_registered(LoadOptions(custom_objects=("tcn",)))


def test_what_nobody_has_registered_is_missing() -> None:
    needed = ("TCN", "mine>Scale", "<lambda>")

    assert missing(needed, {"TCN": int, "Scale": int}) == ["<lambda>"]
    assert missing(needed, {}) == ["<lambda>", "TCN", "mine>Scale"]


def test_a_class_named_like_a_layer_of_keras_is_for_files_that_need_it() -> None:
    objects = {"Attention": int, "TCN": str}

    assert relevant(objects, ()) == {"TCN": str}
    assert relevant(objects, ("Attention",)) == objects


def test_the_modules_that_a_file_names_are_taken_out() -> None:
    config = sequential(
        {**layer("Scale", factor=2), "module": "os.path", "registered_name": "mine>Scale"},
        modern_layer("Dense", activation={"class_name": "function", "config": "swish2"}),
    )

    named = name_custom(config, {"Scale": int, "swish2": abs}, ("mine>Scale", "swish2"))

    scale, dense = named["config"]["layers"]
    assert (scale["module"], scale["registered_name"]) == (None, "Scale")
    assert (dense["module"], dense["registered_name"]) == ("keras.layers", None)
    assert dense["config"]["activation"]["registered_name"] == "swish2"


def test_the_fingerprint_follows_the_modules_and_imports_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    package = tmp_path / "some_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text(f"open({str(marker)!r}, 'w')")
    (package / "inner" / "__init__.py").write_text("")
    source = package / "inner" / "layers.py"
    source.write_text("class A: pass")
    paths = (str(tmp_path),)

    first = fingerprint(("some_package.inner.layers",), paths)
    whole = fingerprint(("some_package",), paths)
    source.write_text("class B: pass")

    assert first != fingerprint(("some_package.inner.layers",), paths)
    assert whole != fingerprint(("some_package",), paths)
    assert fingerprint((), paths) == ""
    assert not marker.exists()
    assert "some_package" not in sys.modules


def test_a_module_that_is_not_there_has_a_fingerprint_too() -> None:
    assert fingerprint(("nowhere_at_all",), ()) != ""


def test_an_installed_package_registers_its_classes_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_layers.py").write_text("class Scale: pass\nclass Shift: pass\n")
    info = tmp_path / "their_layers-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-layers\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[kerasd.custom_objects]\nall = their_layers\none = their_layers:Scale\n"
    )
    without = fingerprint((), ())
    monkeypatch.syspath_prepend(str(tmp_path))

    assert are_any_registered(LoadOptions())
    assert sorted(load_custom_objects(LoadOptions(), "m.h5")) == ["Scale", "Shift"]
    assert fingerprint((), ()) != without
