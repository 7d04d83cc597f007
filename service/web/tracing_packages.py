"""Whether the packages are there that traces need: an extra, as most services send none."""

from importlib.util import find_spec

from service.base.errors import SettingsInvalid

PACKAGES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


def check_traces(is_wanted: bool) -> None:
    """Raise SettingsInvalid if traces are wanted and can't be sent."""
    if is_wanted and not all(map(_is_there, PACKAGES)):
        raise SettingsInvalid(
            "setting traces = True: OpenTelemetry's packages are missing; "
            "pip install 'kerasd[otel]'"
        )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:  # the package above it is missing
        return False
