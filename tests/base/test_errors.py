"""What clients and operators read when something is wrong."""

import inspect
import re
from types import ModuleType

import pytest

from service.base import errors, http_errors, job_errors, refusals
from service.base.errors import (
    AnswerInvalid,
    DeadlineExceeded,
    JsonInvalid,
    KerasdError,
    ModelNotFound,
    ModelNotReady,
    NotFound,
    PathMalformed,
    RuntimeLost,
    ServiceUnreachable,
    StateDirectoryBusy,
    TensorInvalid,
)
from service.base.http_errors import BodyTooLarge, MethodNotAllowed
from service.base.refusals import FileBroken, FileUnsafe, ModelUnsupported, WeightsMismatch

TREE_LINE = re.compile(r"[ │├└─]*(\w+)(?: +(\d{3}))? +([a-z_]+)$")


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ModelNotFound("digits"), 404, "Servable not found for request: Latest(digits)"),
        (ModelNotFound("digits", 3), 404, "Servable not found for request: Specific(digits, 3)"),
        (
            PathMalformed("POST", "/v1/models/a:guess"),
            400,
            "Malformed request: POST /v1/models/a:guess",
        ),
        (JsonInvalid("Invalid value.", 7), 400, "JSON Parse error: Invalid value. at offset: 7"),
        (JsonInvalid("empty"), 400, "JSON Parse error: empty"),
    ],
)
def test_clients_of_tensorflow_serving_find_its_texts(
    error: KerasdError, status: int, text: str
) -> None:
    assert (error.status, str(error)) == (status, text)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (TensorInvalid("instances[3]", "4 numbers", "5"), 400, ["instances[3]", "4 numbers", "5"]),
        (NotFound("/nowhere"), 404, ["/nowhere"]),
        (MethodNotAllowed("PUT", "/metrics"), 405, ["PUT", "/metrics"]),
        (BodyTooLarge(1024), 413, ["1024", "max_body_mb"]),
        (AnswerInvalid("probability", "is not finite"), 500, ["probability", "is not finite"]),
        (ModelNotReady("digits", "it is being compiled"), 503, ["digits", "being compiled"]),
        (RuntimeLost("it ended"), 503, ["it ended"]),
        (DeadlineExceeded(2.5), 504, ["2.5 seconds"]),
    ],
)
def test_an_error_over_http_says_what_was_wrong_and_got(
    error: KerasdError, status: int, words: list[str]
) -> None:
    assert error.status == status
    assert all(word in str(error) for word in words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StateDirectoryBusy("/var/kerasd"), ["/var/kerasd", "--state-dir"]),
        (ServiceUnreachable("http://a:1", "refused"), ["http://a:1", "refused", "its address"]),
        (ServiceUnreachable("http://[::1]:1", "refused"), ["start it with: kerasd serve"]),
        (ServiceUnreachable("http://localhost:8080", ""), ["start it with: kerasd serve"]),
        (FileBroken("m.h5", "is empty"), ["m.h5", "is empty"]),
        (FileUnsafe("m.h5", ["one", "two"]), ["m.h5", "refused", "one; two"]),
        (WeightsMismatch("m.h5", "3 layers, not 4"), ["m.h5", "don't fit", "3 layers, not 4"]),
        (ModelUnsupported("m.h5", "needs Foo"), ["m.h5", "can't be built", "needs Foo"]),
    ],
)
def test_an_error_for_the_operator_names_the_thing_and_the_cure(
    error: KerasdError, words: list[str]
) -> None:
    assert all(word in str(error) for word in words)


def test_only_passing_faults_ask_to_come_back() -> None:
    assert ModelNotReady("m", "loading").retry_after_s
    assert RuntimeLost("it ended").retry_after_s
    assert ModelNotFound("m").retry_after_s is None


def _classes(module: ModuleType) -> dict[str, type[KerasdError]]:
    """The errors that a module defines itself."""
    return {
        name: kind
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, KerasdError) and kind.__module__ == module.__name__
    }


@pytest.mark.parametrize("module", [errors, refusals, http_errors, job_errors])
def test_the_drawn_tree_is_the_real_one(module: ModuleType) -> None:
    found = (TREE_LINE.fullmatch(line) for line in (module.__doc__ or "").splitlines())
    drawn = {match[1]: (match[2], match[3]) for match in found if match}

    real = _classes(module)

    assert drawn.keys() == real.keys() - {"OperatorError"}  # it stands there with a remark
    for name, (status, code) in drawn.items():
        assert real[name].code == code
        assert status is None or real[name].status == int(status)


def test_programs_can_tell_errors_apart_by_code() -> None:
    codes = [
        kind.code
        for module in (errors, refusals, http_errors, job_errors)
        for kind in _classes(module).values()
    ]

    # AnswerInvalid and the root share status 500, but no two classes share a code.
    assert len(set(codes)) == len(codes)
