"""Hold everything that an architecture names against the allow-list, before Keras sees it.

Three kinds of findings: lambdas carry code; hazards name something that no model needs; custom
names are merely unknown here and may be registered by the operator.
"""

import builtins
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.base.strict_json import Json
from service.loading.allow_list.allowed import (
    ACTIVATIONS,
    LAYERS,
    MODELS,
    OLD_ARGUMENTS,
    OLD_LAYERS,
    TENSORFLOW_FUNCTIONS,
    VALUES,
    arguments_of,
    is_of_keras,
    is_small_part,
    operation_arguments,
)
from service.loading.allow_list.graph_operations import COMPUTE, FROM_TEXT_FILE
from service.loading.allow_list.own_names import is_ours, is_own_function

_Path = tuple[Any, Any]  # (the path of what it lies in, its key there)
KEYS_OF_ACTIVATIONS = frozenset({"activation", "recurrent_activation", "inner_activation"})
KEYS_OF_PATHS = frozenset({"vocabulary", "idf_weights"})
MAX_NAME = 256
MAX_TOLD = 80
OPERATIONS_HOME = "keras.src.ops."


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, as sentences that name the layer; `custom` are names to be registered."""

    lambdas: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    odd_arguments: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    lambdas: list[str] = field(default_factory=list)
    hazards: list[str] = field(default_factory=list)
    custom: set[str] = field(default_factory=set)
    odd: list[str] = field(default_factory=list)

    def frozen(self) -> Findings:
        lambdas, hazards = tuple(self.lambdas), tuple(dict.fromkeys(self.hazards))
        return Findings(lambdas, hazards, tuple(sorted(self.custom)), tuple(self.odd))


def scan_architecture(config: Any) -> Findings:
    """Everything that an architecture names beyond the allow-list."""
    found = _Found()
    for path, item in _objects(config):
        _check_object(f"{path}{_told_name(item)}", item, found)
    return found.frozen()


def scan_training(config: Any) -> Findings:
    """Code and foreign functions in a training configuration.

    It is never given to Keras, so unknown losses and metrics are no matter; a file that carries
    code is refused wherever the code lies.
    """
    found = _Found()
    for path, item in _objects(config, "training"):
        class_name, module = item["class_name"], item.get("module")
        if class_name in ("Lambda", "__lambda__"):
            found.lambdas.append(_lambda_text(path))
        elif _is_of_python(module) or (
            class_name == "function" and _is_builtin(module, item.get("config"))
        ):
            found.hazards.append(f"{path}: names {_told(module)}.{_told(item.get('config'))}")
    return found.frozen()


def _check_object(where: str, item: Json, found: _Found) -> None:
    class_name, inner = item["class_name"], item.get("config")
    if not isinstance(class_name, str):
        found.hazards.append(f"{where}: class_name is no text")
        return
    if isinstance(inner, dict):
        found.hazards.extend(_value_hazards(where, inner))
        found.custom |= _custom_activations(inner)
    if class_name in ("Lambda", "__lambda__"):
        found.lambdas.append(_lambda_text(where))
    elif class_name == "function":
        _check_function(where, item, found)
    elif class_name in VALUES:
        return
    elif class_name in ("TFOpLambda", "SlicingOpLambda"):
        _check_tensorflow_function(where, item, found)
    elif class_name == "TensorFlowOpLayer":
        _check_tensorflow_operation(where, inner, found)
    else:
        _check_class(where, class_name, item, found)


def _check_class(where: str, class_name: str, item: Json, found: _Found) -> None:
    module, registered = item.get("module"), item.get("registered_name")
    inner = item.get("config")
    given = set(inner) if isinstance(inner, dict) else set()
    if is_ours(class_name, registered):
        return
    if isinstance(module, str) and module.startswith(OPERATIONS_HOME):
        allowed = operation_arguments(module, class_name)
        if allowed is None or given - allowed:
            found.hazards.append(
                f"{where}: names {module}.{_told(class_name)}, which isn't allowed"
            )
    elif _is_known(class_name) and is_of_keras(module) and _is_own(item):
        strange = [] if _takes_anything(class_name) else sorted(given - _arguments(class_name))
        if strange:
            found.odd.append(
                f"{where}: {class_name} has the argument '{_told(strange[0])}', "
                f"which Keras' {class_name} doesn't take"
            )
            found.custom.add(class_name)
    elif _is_of_python(module) or (_is_keras_text(module) and _is_own(item)):
        found.hazards.append(
            f"{where}: names {_told(module)}.{_told(class_name)}, which isn't allowed"
        )
    elif isinstance(registered, str) and registered.split(">")[-1] != class_name:
        found.hazards.append(
            f"{where}: is called {_told(class_name)}, but registered as {_told(registered)}"
        )
    else:
        found.custom.add(registered if isinstance(registered, str) else class_name)


def _is_known(class_name: str) -> bool:
    known = class_name in LAYERS or class_name in MODELS or class_name in OLD_LAYERS
    return known or is_small_part(class_name)


def _takes_anything(class_name: str) -> bool:
    """Models hold layers, checked one by one; old classes are rewritten argument by argument."""
    return class_name in MODELS or class_name in OLD_LAYERS or not arguments_of(class_name)


def _arguments(class_name: str) -> frozenset[str]:
    return arguments_of(class_name) | OLD_ARGUMENTS


def _is_own(item: Json) -> bool:
    """False where the file says that another package has registered the class."""
    class_name, registered = item["class_name"], item.get("registered_name")
    if class_name in MODELS and registered in MODELS:  # Model is Functional, too
        return True
    return registered in (None, class_name, f"Keras>{class_name}")


def _check_function(where: str, item: Json, found: _Found) -> None:
    name, module = item.get("config"), item.get("module")
    is_plain = item.get("registered_name") in (None, "function", name)
    if isinstance(name, str) and name in ACTIVATIONS and is_of_keras(module) and is_plain:
        return
    if is_own_function(item):
        return
    is_plain = _is_function_name(name) and (module is None or isinstance(module, str))
    if not is_plain or _is_of_python(module) or _is_keras_text(module) or _is_builtin(module, name):
        found.hazards.append(
            f"{where}: names the function {_told(name)} of {_told(module)}, "
            "which is no activation of Keras"
        )
        return
    registered = item.get("registered_name")
    is_registered = isinstance(registered, str) and registered != "function"
    if is_registered and str(registered).split(">")[-1] != str(name).split(">")[-1]:
        told = f"{_told(name)}, but registered as {_told(registered)}"
        found.hazards.append(f"{where}: names the function {told}")
        return
    found.custom.add(str(registered if is_registered else name))


def _is_function_name(name: Any) -> bool:
    """True for what Python calls functions; `package>name` is one that was registered."""
    if not isinstance(name, str):
        return False
    return name == "<lambda>" or name.split(">")[-1].isidentifier()


def _check_tensorflow_function(where: str, item: Json, found: _Found) -> None:
    inner = item.get("config")
    name = inner.get("function") if isinstance(inner, dict) else None
    short = name.removeprefix("tf.") if isinstance(name, str) else name
    if not isinstance(short, str) or short not in TENSORFLOW_FUNCTIONS:
        found.hazards.append(
            f"{where}: names TensorFlow's function {_told(name)}, which isn't allowed"
        )


def _check_tensorflow_operation(where: str, inner: Any, found: _Found) -> None:
    """tf.keras 2.0 to 2.3 recorded operations by their definition in the graph."""
    definition = inner.get("node_def") if isinstance(inner, dict) else None
    name = definition.get("op") if isinstance(definition, dict) else None
    if not isinstance(name, str) or name not in COMPUTE - FROM_TEXT_FILE:
        found.hazards.append(
            f"{where}: names TensorFlow's operation {_told(name)}, which isn't allowed"
        )


def _value_hazards(where: str, inner: Json) -> Iterator[str]:
    """A vocabulary given as text is a path or an address that Keras would open."""
    for key in sorted(KEYS_OF_PATHS & inner.keys()):
        if isinstance(inner[key], str):
            yield f"{where}: the {key} names a file to be read"
    name = inner.get("name")
    if isinstance(name, str) and not _is_harmless_name(name):
        yield f"{where}: the name {_told(name)} isn't one that a layer may have"


def _is_harmless_name(name: str) -> bool:
    """Printable, short, and no path out of anywhere: it is written to logs, pages and files."""
    is_path = name.startswith("/") or ".." in name.split("/") or "\\" in name
    return name.isprintable() and len(name) <= MAX_NAME and not is_path and not {"<", ">"} & {*name}


def _custom_activations(inner: Json) -> set[str]:
    named = {inner[key] for key in KEYS_OF_ACTIVATIONS & inner.keys() if _is_text(inner[key])}
    return named - ACTIVATIONS


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_of_python(module: Any) -> bool:
    """True for modules of Python itself; a module that is no text passes for one."""
    if module is None:
        return False
    if not isinstance(module, str):
        return True
    top = module.split(".")[0]
    return top == "test" or (top in sys.stdlib_module_names and top != "builtins")


def _is_keras_text(module: Any) -> bool:
    return isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras", "tensorflow")


def _is_builtin(module: Any, name: Any) -> bool:
    return module in (None, "builtins") and isinstance(name, str) and hasattr(builtins, name)


def _lambda_text(where: str) -> str:
    return (
        f"{where}: a Lambda carries Python bytecode that would run; "
        "replace it by a registered layer and save the model again"
    )


def _told(value: Any) -> str:
    """A stranger's text as it may be shown: printable, short."""
    text = value if isinstance(value, str) else repr(value)
    return "".join(c if c.isprintable() else "?" for c in text[:MAX_TOLD])


def _told_name(item: Json) -> str:
    inner = item.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    return f" (layer '{_told(name)}')" if isinstance(name, str) else ""


def _objects(config: Any, root: str = "model") -> Iterator[tuple[str, Json]]:
    """Every dictionary that names a class, with its path; iterative, so depth can't hurt."""
    pending: deque[tuple[_Path, Any]] = deque([((None, root), config)])
    while pending:
        path, value = pending.popleft()
        if isinstance(value, dict):
            if "class_name" in value:
                yield _joined(path), value
            inner = [(key, item) for key, item in value.items() if isinstance(item, dict | list)]
        else:
            inner = [(key, item) for key, item in enumerate(value) if isinstance(item, dict | list)]
        pending.extend(((path, key), item) for key, item in inner)


def _joined(path: "_Path") -> str:
    """A path in words: `model.config.layers[3]`; made only for what is looked at closely."""
    parts: list[str] = []
    here: Any = path
    while here is not None:
        here, key = here
        parts.append(f"[{key}]" if isinstance(key, int) else f".{_told(key)}")
    return "".join(reversed(parts)).lstrip(".")
