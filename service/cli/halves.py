"""The two halves of the service as processes of their own."""

import logging
import os

from service.base.confinement import die_with_parent
from service.base.lock import hold_lock
from service.base.log import configure_logging
from service.base.metric_folder import metric_files
from service.base.schema import prepare_schema, refuse_newer_schema
from service.base.settings import Settings
from service.cli.first_process import end_early, leave_first_place
from service.repository.addresses import check_addresses
from service.web.access.requirement import check_access, is_loopback, is_open
from service.web.tracing_packages import check_traces

logger = logging.getLogger(__name__)

CONTROLLER_NICENESS = 5
WEB_LOCK = "web.lock"


def run_web_half(settings: Settings, parent: int | None) -> None:
    """Run gunicorn in this process. Raises SettingsInvalid, KeysRefused or SchemaUnknown."""
    _begin(parent)
    configure_logging(settings.log_level, settings.log_format)
    check_access(settings)
    check_traces(settings.traces)
    check_addresses(settings)
    refuse_newer_schema(settings.database)
    if is_open(settings) and not is_loopback(settings.host):
        logger.warning(
            "access is open: whoever reaches this address may do everything",
            extra={"host": settings.host, "setting": "access"},
        )
    with hold_lock(settings.run_dir / WEB_LOCK, settings.state_dir):
        if not settings.multiprocess_metrics:
            _run_web(settings)
            return
        with metric_files(settings.metrics_dir, settings.workers) as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
            _run_web(settings)


def _run_web(settings: Settings) -> None:
    from service.web.server import run_web  # imports prometheus_client: after the line above

    run_web(settings)


def run_controller_half(settings: Settings, parent: int | None) -> None:
    """Run the controller in this process, it and its children behind those who answer requests."""
    _begin(parent)
    check_addresses(settings)
    os.nice(CONTROLLER_NICENESS)
    prepare_schema(settings.database)
    from service.controller.run import run_controller

    configure_logging(settings.log_level, settings.log_format)
    run_controller(settings, outlived=None if parent is None else settings.run_dir / WEB_LOCK)


def run_runtime_keeper(settings: Settings) -> None:
    """Keep TensorFlow's process for the web process of this place. Raises StateDirectoryBusy."""
    _begin(None)
    os.nice(CONTROLLER_NICENESS)
    from service.controller.runtime_keeper import keep_runtime

    configure_logging(settings.log_level, settings.log_format)
    keep_runtime(settings, settings.run_dir / WEB_LOCK)


def _begin(parent: int | None) -> None:
    end_early()
    if parent is None:
        leave_first_place()
    else:
        die_with_parent(parent)
