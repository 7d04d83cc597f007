"""`kerasd serve`: web and controller on one machine, each started again when it dies."""

import os
import socket

import click

from service.base.errors import SettingsInvalid
from service.base.graces import Graces
from service.base.lock import hold_lock
from service.base.log import configure_logging
from service.base.schema import prepare_schema, refuse_newer_schema
from service.base.settings import Settings
from service.cli.first_process import end_early
from service.cli.keeper import become_keeper
from service.repository.addresses import check_addresses
from service.web.access.requirement import check_access
from service.web.tracing_packages import check_traces


def run_service(settings: Settings) -> None:
    """Check the settings and become the keeper of both halves, which never returns.

    Raises SettingsInvalid, KeysRefused, SchemaUnknown or StateDirectoryBusy before anything starts.
    """
    end_early()
    configure_logging(settings.log_level, settings.log_format)
    _check(settings)
    with hold_lock(settings.run_dir / "serve.lock", settings.state_dir) as lock:
        os.set_inheritable(lock, True)  # the keeper holds it; its children don't inherit it
        prepare_schema(settings.database)  # or both halves would meet a database without tables
        what = settings.repository_url or settings.repository
        click.echo(f"kerasd serves {what} at {settings.url}")
        within_s = settings.drain_s + Graces(settings.predict_timeout_s).keeper_s
        become_keeper(within_s, settings.log_level, settings.log_format, settings.environment())


def _check(settings: Settings) -> None:
    check_addresses(settings)
    if not settings.repository_url and not settings.repository.exists():
        raise SettingsInvalid(
            f"setting repository = {settings.repository}: there is no such folder or file"
        )
    check_access(settings)
    check_traces(settings.traces)
    refuse_newer_schema(settings.database)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsInvalid(
                f"can't listen on {settings.host}:{settings.port}: {error.strerror}; "
                "choose another --port"
            ) from error
