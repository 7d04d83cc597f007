"""Every error that a client or an operator may see, each with its status and its message.

    KerasdError                    500  internal
    ├── RequestInvalid             400  bad_request
    │   ├── JsonInvalid            400  bad_json
    │   ├── TensorInvalid          400  bad_tensor
    │   └── PathMalformed          400  bad_path
    ├── NotFound                   404  not_found
    │   └── ModelNotFound          404  model_not_found
    ├── MethodNotAllowed           405  method_not_allowed
    ├── BodyTooLarge               413  body_too_large
    ├── DataRefused                422  bad_data
    ├── AnswerInvalid              500  bad_answer
    ├── ModelNotReady              503  model_not_ready
    ├── RuntimeLost                503  runtime_lost
    ├── DeadlineExceeded           504  deadline_exceeded
    └── OperatorError              (never leaves over HTTP)
        ├── SettingsInvalid             bad_settings
        ├── StateDirectoryBusy          state_busy
        ├── ServiceUnreachable          unreachable
        ├── ServiceRefused              refused
        └── ModelConfigInvalid          bad_model_config

The branch of files that aren't served, FileRefused below OperatorError, lies in `refusals.py`.
An error of this tree shows its text to the client; any other is answered with "internal error"
and the id of the request, and its traceback goes to the log.
"""


class KerasdError(Exception):
    """The root: `status` is the HTTP status, `code` a stable word for programs."""

    status = 500
    code = "internal"

    @property
    def retry_after_s(self) -> int | None:
        """Seconds after which the same request may succeed; none if it never will."""
        return None


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


class PathMalformed(RequestInvalid):
    """The path begins as a prediction route but isn't one."""

    code = "bad_path"

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Malformed request: {method} {path}")


class NotFound(KerasdError):
    """Nothing is at this path."""

    status = 404
    code = "not_found"

    def __init__(self, path: str) -> None:
        super().__init__(f"Not found: {path}")


class ModelNotFound(NotFound):
    """No such model, or not this version of it; worded as TensorFlow Serving words it."""

    code = "model_not_found"

    def __init__(self, model: str, version: int | None = None) -> None:
        which = f"Latest({model})" if version is None else f"Specific({model}, {version})"
        KerasdError.__init__(self, f"Servable not found for request: {which}")


class MethodNotAllowed(KerasdError):
    """The path exists, but not for this verb."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Method {method} is not allowed for {path}")


class BodyTooLarge(KerasdError):
    """The body is longer than the setting `max_body_mb` allows."""

    status = 413
    code = "body_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"The request body is larger than {limit_bytes} bytes; "
            "send fewer instances in one request or raise the setting max_body_mb"
        )


class DataRefused(KerasdError):
    """A data file can't be learned from; `where` is a line, row, column or array, or empty."""

    status = 422
    code = "bad_data"

    def __init__(self, name: str, where: str, wrong: str, expected: str = "") -> None:
        place = f"{where}: " if where else ""
        cure = f"; expected {expected}" if expected else ""
        super().__init__(f"{name}: {place}{wrong}{cure}")


class AnswerInvalid(KerasdError):
    """The model gave something that can't be answered, such as NaN."""

    code = "bad_answer"

    def __init__(self, output: str, fault: str) -> None:
        super().__init__(f"The model's output '{output}' {fault}")


class ModelNotReady(KerasdError):
    """The model is known but not loaded yet, or it failed to load."""

    status = 503
    code = "model_not_ready"

    def __init__(self, model: str, why: str) -> None:
        super().__init__(f"Model '{model}' is not ready: {why}")

    @property
    def retry_after_s(self) -> int | None:
        return 1


class RuntimeLost(KerasdError):
    """The TensorFlow runtime process died or isn't there; it is started again by itself."""

    status = 503
    code = "runtime_lost"

    def __init__(self, why: str) -> None:
        super().__init__(f"The TensorFlow runtime is not available: {why}")

    @property
    def retry_after_s(self) -> int | None:
        return 2


class DeadlineExceeded(KerasdError):
    """The prediction took longer than it may."""

    status = 504
    code = "deadline_exceeded"

    def __init__(self, deadline_s: float) -> None:
        super().__init__(f"The prediction was not finished within {deadline_s:g} seconds")


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


class ServiceUnreachable(OperatorError):
    """The command line got no answer from the service."""

    code = "unreachable"

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"No kerasd answers at {url} ({why}); start it with: kerasd serve")


class ServiceRefused(OperatorError):
    """The service answered the command line with an error."""

    code = "refused"

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"The service answered {status}: {why}")


class ModelConfigInvalid(OperatorError):
    """A `model.yaml` can't be used."""

    code = "bad_model_config"

    def __init__(self, why: str) -> None:
        super().__init__(f"model.yaml: {why}")
