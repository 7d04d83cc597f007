"""Names of functions and classes that are no layers: of Python's, and of Keras' own."""

from functools import partial
from typing import Any

from service.base.strict_json import Json
from tests.attacks.architecture import (
    a_lambda,
    call,
    call_with,
    function,
    functional,
    input_layer,
    layer,
    of_one,
)
from tests.attacks.case import Case, Corpus
from tests.attacks.family import CODE
from tests.attacks.files import FORMATS, Builder, always, in_formats

MUST = "refuse: the name is not on the allow-list; import nothing, call nothing"
CVE = "CVE-2025-1550"
# (case, module, name, what its only positional argument is)
FUNCTIONS = (
    ("fn_os_system", "os", "system", "shell"),
    ("fn_posix_system", "posix", "system", "shell"),
    ("fn_builtins_eval", "builtins", "eval", "python"),
    ("fn_builtins_exec", "builtins", "exec", "python"),
)
CLASSES = (
    ("cls_os_wrap_close", "os", "_wrap_close"),
    ("cls_keras_src_module_attr", "keras.src.utils.file_utils", "os"),
    ("cls_keras_src_function", "keras.src.utils.python_utils", "func_load"),
    ("cls_keras_test_module", "keras.src.saving.saving_lib_test", "MyDense"),
    ("cls_collections_namedtuple", "collections", "OrderedDict"),
    ("cls_tf_module", "tensorflow", "Module"),
)


def add_names(corpus: Corpus) -> None:
    """Write every case that names what is no layer of Keras."""
    _add_functions(corpus)
    _add_functions_with_arguments(corpus)
    _add_classes(corpus)


def _add_functions(corpus: Corpus) -> None:
    for case, module, name, argument in FUNCTIONS:
        build = partial(_called_on_text, corpus, function(module, name), argument)
        _add(corpus, case, f"Lambda.function = {module}.{name}", build)


def _called_on_text(corpus: Corpus, found: Json, argument: str, case: str) -> Json:
    shell = corpus.payloads.shell(case)
    text = shell if argument == "shell" else f"__import__('os').system({shell!r})"
    return of_one(a_lambda("lam", found, [call_with(inputs=text)]))


def _add_functions_with_arguments(corpus: Corpus) -> None:
    def subprocess_call(case: str) -> Json:
        arguments = {"args": corpus.payloads.shell(case), "shell": True}
        return of_one(a_lambda("lam", function("subprocess", "call"), arguments=arguments))

    def import_module(_case: str) -> Json:
        found = function("importlib", "import_module")
        return of_one(a_lambda("lam", found, arguments={"name": "this"}))

    _add(corpus, "fn_subprocess_call", "Lambda.function = subprocess.call", subprocess_call)
    _add(corpus, "fn_importlib", "Lambda.function = importlib.import_module", import_module)


def _add_classes(corpus: Corpus) -> None:
    def popen(case: str) -> Json:
        settings: Json = {"args": corpus.payloads.shell(case), "shell": True}
        return of_one({**layer("Popen", "x", None, **settings), "module": "subprocess"})

    def torch(_case: str) -> Json:
        return of_one(layer("TorchModuleWrapper", "x", module="gASVAA=="))

    both = ("keras", "json")
    _add(corpus, "cls_subprocess_popen", "class subprocess.Popen", popen, both)
    for case, module, name in CLASSES:
        config = of_one({**layer(name, "x"), "module": module})
        _add(corpus, case, f"class {module}.{name}", always(config), both)
    draft = Case(
        "cls_torch_wrapper",
        CODE,
        "class keras.layers.TorchModuleWrapper",
        MUST,
        ref="CVE-2025-1550 CVE-2025-49655",
        payload="marker",
    )
    in_formats(corpus, draft, torch, both)


def _add(
    corpus: Corpus, case: str, attacks: str, build: Builder, formats: tuple[str, ...] = FORMATS
) -> None:
    draft = Case(case, CODE, attacks, MUST, ref=CVE, payload="marker")
    in_formats(corpus, draft, build, formats)


def called_by_name(module: str, name: str, first: Any, **arguments: Any) -> Json:
    """A configuration whose Lambda calls a function, given by name, on a plain value."""
    found = function(module, name, "function")
    return of_one(a_lambda("lam", found, [call_with(inputs=first)], arguments=arguments))


def add_operation(inner: Json) -> Json:
    """A configuration with an operation beside a harmless layer that is the output."""
    harmless = layer("Activation", "a", [call()], activation="relu")
    return functional([input_layer(), harmless, inner], "a")
