"""The two halves of the service as processes of their own."""

import logging
import os

from service.base.confinement import die_with_parent
from service.base.lock import hold_lock
from service.base.log import configure_logging
from service.base.metric_folder import metric_files
from service.base.settings import Settings
from service.web.access.requirement import check_access, is_loopback, is_open
from service.web.tracing_packages import check_traces

logger = logging.getLogger(__name__)

CONTROLLER_NICENESS = 5


def run_web_half(settings: Settings, parent: int | None) -> None:
    """Run gunicorn in this process. Raises SettingsInvalid or KeysRefused."""
    if parent is not None:
        die_with_parent(parent)
    configure_logging(settings.log_level, settings.log_format)
    check_access(settings)
    check_traces(settings.traces)
    if is_open(settings) and not is_loopback(settings.host):
        logger.warning(
            "access is open: whoever reaches this address may do everything",
            extra={"host": settings.host, "setting": "access"},
        )
    with hold_lock(settings.run_dir / "web.lock", settings.state_dir):
        if not settings.multiprocess_metrics:
            _run_web(settings)
            return
        with metric_files(settings.metrics_dir) as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
            _run_web(settings)


def _run_web(settings: Settings) -> None:
    from service.web.server import run_web  # imports prometheus_client: after the line above

    run_web(settings)


def run_controller_half(settings: Settings, parent: int | None) -> None:
    """Run the controller in this process, it and its children behind those who answer requests."""
    if parent is not None:
        die_with_parent(parent)
    os.nice(CONTROLLER_NICENESS)
    from service.controller.run import run_controller

    configure_logging(settings.log_level, settings.log_format)
    run_controller(settings)
