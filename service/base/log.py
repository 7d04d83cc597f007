"""One JSON object a line on standard error; what is known of the request stands in each line of it.

Whoever begins a request sets its id, its caller's name and the id of the trace that it belongs to.
"""

import contextvars
import logging
from datetime import UTC, datetime
from typing import Any

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="")
trace_id: contextvars.ContextVar[str] = contextvars.ContextVar("trace_id", default="")

# What every record has anyway; the rest was given as `extra`.
STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """`{"timestamp", "level", "logger", "event", ...}`; JSON escapes control characters."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        # Imported here because the keeper lives as long as the service and hardly ever writes one.
        import json

        import orjson

        line = _fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # half a surrogate pair, or a number of more than 64 bits
            return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """The same for people: `10:20:30 INFO event key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it."""
        fields = _fields(record)
        when = fields.pop("timestamp")[11:19]
        head = f"{when} {fields.pop('level'):7} {fields.pop('event')}"
        del fields["logger"]
        rest = " ".join(f"{key}={_escaped(value)}" for key, value in fields.items())
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{head}  {rest}".rstrip() + trace


def logging_config(level: str, form: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` dictionary; gunicorn takes the same one."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonFormatter if form == "json" else TextFormatter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
            "uvicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
            "alembic": {"level": "WARNING"},
        },
    }


def configure_logging(level: str, form: str) -> None:
    """Configure the process's logging; called once, by its composition root."""
    import logging.config  # a megabyte

    logging.config.dictConfig(logging_config(level, form))


def log_to_stderr(level: str, form: str) -> None:
    """The same lines from a process that has little to say, and stays small."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler])


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "event": record.getMessage(),
    }
    fields |= {key: value for key, value in vars(record).items() if key not in STANDARD_FIELDS}
    known = {variable.name: variable.get() for variable in (request_id, caller, trace_id)}
    return fields | {name: value for name, value in known.items() if value}


def _escaped(value: Any) -> str:
    """A value that can't forge a second line or paint the terminal."""
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)
