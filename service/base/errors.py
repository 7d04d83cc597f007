"""Every error that a client or an operator may see, each with its status and its message.

    KerasdError                    500  internal
    ├── RequestInvalid             400  bad_request
    │   ├── JsonInvalid            400  bad_json
    │   ├── TensorInvalid          400  bad_tensor
    │   ├── AnswerNotFinite        400  not_finite
    │   ├── PathMalformed          400  bad_path
    │   └── LabelUnknown           400  unknown_label
    ├── NotFound                   404  not_found
    │   └── ModelNotFound          404  model_not_found
    ├── Overloaded                 429  overloaded
    ├── AnswerInvalid              500  bad_answer
    ├── Unsupported                501  unsupported
    ├── ModelNotReady              503  model_not_ready
    ├── MemoryShort                503  memory_short
    ├── RuntimeLost                503  runtime_lost
    ├── DatabaseAway               503  database_away
    ├── DeadlineExceeded           504  deadline_exceeded
    ├── SwapUnfinished             504  swap_unfinished
    └── OperatorError              (never leaves over HTTP)
        ├── SettingsInvalid             bad_settings
        ├── StateDirectoryBusy          state_busy
        ├── KeysRefused                 bad_keys
        ├── ServiceUnreachable          unreachable
        └── ServiceRefused              refused

Those of files, FileRefused, ModelConfigInvalid and DataRefused, lie in `refusals.py`, those of a
request's form in `http_errors.py`, those of jobs in `job_errors.py`, those of the database's
schema and of backups in `database_errors.py`.
An error of this tree shows its text to the client; any other is answered with "internal error"
and the id of the request, and its traceback goes to the log.
"""

from urllib.parse import urlsplit

HERE = ("127.0.0.1", "localhost", "::1")


class KerasdError(Exception):
    """The root: `status` is the HTTP status, `code` a stable word for programs.

    `retry_after_s` are the seconds after which the same request may succeed; none if it never will.
    """

    status = 500
    code = "internal"
    retry_after_s: int | None = None


class RequestInvalid(KerasdError):
    """The request can't be understood or doesn't fit the model."""

    status = 400
    code = "bad_request"


class JsonInvalid(RequestInvalid):
    """The body is no JSON; the text begins as TensorFlow Serving's, which clients look for."""

    code = "bad_json"

    def __init__(self, why: str, offset: int | None = None) -> None:
        at = "" if offset is None else f" at offset: {offset}"
        super().__init__(f"JSON Parse error: {why}{at}")


class TensorInvalid(RequestInvalid):
    """One input tensor is wrong; `where` is its path in the request, such as `instances[3][0]`."""

    code = "bad_tensor"

    def __init__(self, where: str, expected: str, got: str) -> None:
        super().__init__(f"{where}: expected {expected}, got {got}")


class AnswerNotFinite(RequestInvalid):
    """What was asked makes the model give NaN or an infinity: the asker's doing, not a fault."""

    code = "not_finite"

    def __init__(self, output: str, row: int) -> None:
        super().__init__(
            f"The model's output '{output}' is not a finite number for instance {row}; "
            "check the range of that instance's inputs, or set allow_non_finite in model.yaml"
        )


class PathMalformed(RequestInvalid):
    """The path begins as a prediction route but isn't one."""

    code = "bad_path"

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Malformed request: {method} {path}")


class LabelUnknown(RequestInvalid):
    """No version has this label; worded as TensorFlow Serving words it."""

    code = "unknown_label"

    def __init__(self, label: str) -> None:
        super().__init__(f"Unrecognized servable version label: {label}")


class NotFound(KerasdError):
    """Nothing is at this path."""

    status = 404
    code = "not_found"

    def __init__(self, path: str) -> None:
        super().__init__(f"Not found: {path}")


class ModelNotFound(NotFound):
    """No such model, or not this version of it, which may be a label.

    Worded as TensorFlow Serving words it for predictions or for a status, or as `v2` servers do.
    """

    code = "model_not_found"

    def __init__(
        self, model: str, version: int | str | None = None, wording: str = "predict"
    ) -> None:
        if wording == "status":
            which = "any versions" if version is None else f"version {version}"
            text = f"Could not find {which} of model {model}"
        elif wording == "v2":
            which = f"'{model}'" if version is None else f"'{model}' version {version}"
            text = f"Request for unknown model: {which} is not found"
        else:
            which = f"Latest({model})" if version is None else f"Specific({model}, {version})"
            text = f"Servable not found for request: {which}"
        KerasdError.__init__(self, text)


class Overloaded(KerasdError):
    """More requests are waiting than may wait; nothing was computed."""

    status = 429
    code = "overloaded"
    retry_after_s = 1

    def __init__(self, what: str, waiting: int) -> None:
        super().__init__(f"Too many requests are waiting for {what} ({waiting}); ask again later")


class AnswerInvalid(KerasdError):
    """The model gave something that can't be answered."""

    code = "bad_answer"

    def __init__(self, output: str, fault: str) -> None:
        super().__init__(f"The model's output '{output}' {fault}")


class Unsupported(KerasdError):
    """Part of a protocol that this server doesn't do."""

    status = 501
    code = "unsupported"


class ModelNotReady(KerasdError):
    """The model is known but not loaded yet, or it failed to load."""

    status = 503
    code = "model_not_ready"
    retry_after_s = 1

    def __init__(self, model: str, why: str) -> None:
        super().__init__(f"Model '{model}' is not ready: {why}")


class MemoryShort(KerasdError):
    """The worker's memory doesn't suffice for this run."""

    status = 503
    code = "memory_short"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__(
            "The worker has not enough memory for this run; send fewer or smaller instances, "
            "or raise the setting worker_memory_mb"
        )


class RuntimeLost(KerasdError):
    """The TensorFlow runtime process died or isn't there; it is started again by itself."""

    status = 503
    code = "runtime_lost"
    retry_after_s = 2

    def __init__(self, why: str) -> None:
        super().__init__(f"The TensorFlow runtime is not available: {why}")


class DatabaseAway(KerasdError):
    """The database can't be read or written now; why is told in the log, for it may name hosts."""

    status = 503
    code = "database_away"
    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__(
            "The database can't be used at the moment, predictions go on; see how the model "
            "stands, then ask again"
        )


class DeadlineExceeded(KerasdError):
    """The prediction took longer than it may."""

    status = 504
    code = "deadline_exceeded"

    def __init__(self, deadline_s: float) -> None:
        within = f"within {deadline_s:g} seconds" if deadline_s > 0 else "before its deadline"
        super().__init__(f"The prediction was not finished {within}")


class SwapUnfinished(KerasdError):
    """Some worker has not followed a decision in time; the text says which, and what holds now."""

    status = 504
    code = "swap_unfinished"


class OperatorError(KerasdError):
    """Something that the person who runs kerasd must mend; the command line shows it."""

    code = "operator"


class SettingsInvalid(OperatorError):
    """A setting has a value that it can't have; the process doesn't start."""

    code = "bad_settings"


class StateDirectoryBusy(OperatorError):
    """Another kerasd works in the same state directory."""

    code = "state_busy"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Another kerasd is running with the state directory {path}; "
            "stop it, or give this one its own with --state-dir"
        )


class KeysRefused(OperatorError):
    """The file of keys can't be used or changed; the text never holds a key."""

    code = "bad_keys"


class ServiceUnreachable(OperatorError):
    """The command line got no answer from the service."""

    code = "unreachable"

    def __init__(self, url: str, why: str) -> None:
        is_here = urlsplit(url).hostname in HERE
        todo = "start it with: kerasd serve" if is_here else "is that its address, and does it run?"
        super().__init__(f"No kerasd answers at {url} ({why}); {todo}")


class ServiceRefused(OperatorError):
    """The service answered the command line with an error."""

    code = "refused"

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"The service answered {status}: {why}")
        self.status = status
