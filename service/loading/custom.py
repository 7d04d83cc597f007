"""Custom classes and functions that the operator has registered; a file never brings any.

They come from the modules of the setting `custom_objects` and from installed packages' entry
points of the group `kerasd.custom_objects`. A module gives what its dictionary `CUSTOM_OBJECTS`
(or `custom_objects`) names, else every public class and function that it defines itself.
Imported in child processes only: the modules import Keras.
"""

import importlib
import inspect
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any

from service.base.load_options import ENTRY_POINTS, LoadOptions
from service.base.refusals import ModelUnsupported
from service.loading.allow_list.allowed import LAYERS
from service.loading.inspected import Inspection

DICTIONARIES = ("CUSTOM_OBJECTS", "custom_objects")
ROOTS = frozenset({"Layer", "Model", "Sequential", "Functional"})


def are_any_registered(options: LoadOptions) -> bool:
    """True when the operator has registered anything; nothing is imported to find out."""
    return bool(options.custom_objects) or bool(entry_points(group=ENTRY_POINTS))


def objects_for(inspection: Inspection, options: LoadOptions) -> dict[str, Any]:
    """The registered objects that one file may have. Raises ClassesMissing when it needs others."""
    objects = load_custom_objects(options, inspection.architecture_file)
    inspection.refuse_if_unregistered(missing(inspection.custom_classes, objects))
    return objects if options.custom_only else relevant(objects, inspection.custom_classes)


def load_custom_objects(options: LoadOptions, file_name: str) -> dict[str, Any]:
    """All registered objects by name. Raises ModelUnsupported when a module can't be imported."""
    sys.path[:0] = [path for path in options.custom_objects_path if path not in sys.path]
    found: dict[str, Any] = {}
    for name in options.custom_objects:
        found |= _objects_of(_imported(name, file_name))
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            loaded = entry.load()
        except Exception as error:
            raise _not_imported(entry.value, error, file_name) from error
        found |= loaded if isinstance(loaded, dict) else _given(entry.name, loaded)
    return found


def relevant(objects: Mapping[str, Any], needed: Iterable[str]) -> dict[str, Any]:
    """The objects for one file: a class with the name of a Keras layer only where it is needed."""
    names = {name.split(">")[-1] for name in needed}
    return {name: value for name, value in objects.items() if name in names or name not in LAYERS}


def missing(needed: Iterable[str], objects: Mapping[str, Any]) -> list[str]:
    """The names that nobody has registered; `package>Name` is also found as `Name`."""
    return sorted(n for n in needed if n not in objects and n.split(">")[-1] not in objects)


def name_custom(config: Any, objects: Mapping[str, Any], needed: Iterable[str]) -> Any:
    """The configuration with every needed custom class marked so that Keras takes the operator's.

    Modules that the file names for them are taken out: nothing is imported because a file says so.
    """
    names = {name.split(">")[-1]: name for name in needed}
    return _named(config, names, objects)


def _named(value: Any, names: Mapping[str, str], objects: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_named(item, names, objects) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _named(item, names, objects) for key, item in value.items()}
    class_name = inner.get("class_name")
    named = inner.get("config") if class_name == "function" else class_name
    if isinstance(named, str) and named in names:
        registered = names[named] if names[named] in objects else named
        inner |= {"module": "builtins" if class_name == "function" else None}
        inner |= {"registered_name": registered}
    return inner


def _imported(name: str, file_name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # the operator's module may fail in any way
        raise _not_imported(name, error, file_name) from error


def _not_imported(name: str, error: Exception, file_name: str) -> ModelUnsupported:
    text = " ".join(str(error).split())[:200]
    return ModelUnsupported(
        file_name, f"the custom_objects module {name} can't be imported: "
        f"{type(error).__name__}: {text}",
    )  # fmt: skip


def _given(name: str, loaded: Any) -> dict[str, Any]:
    if inspect.ismodule(loaded):
        return _objects_of(loaded)
    return {getattr(loaded, "__name__", name): loaded}


def _objects_of(module: Any) -> dict[str, Any]:
    for name in DICTIONARIES:
        if isinstance(getattr(module, name, None), dict):
            return dict(getattr(module, name))
    package = module.__name__.split(".")[0]
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and name not in ROOTS
        and (inspect.isclass(value) or inspect.isfunction(value))
        and str(getattr(value, "__module__", "")).split(".")[0] == package
    }
