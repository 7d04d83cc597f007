"""`kerasd tensorboard`: TensorBoard over the logs of all jobs."""

import os
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import click

from service.base.errors import OperatorError
from service.base.settings import bare_environment, read_settings
from service.base.state_dir import make_folder
from service.web.access.requirement import is_loopback


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=6006, show_default=True)
@click.option("--state-dir", type=click.Path(path_type=Path), help="The service's folder.")
def tensorboard(host: str, port: int, state_dir: Path | None) -> None:
    """Show the losses, learning rates and graphs of all jobs in a browser.

    TensorBoard asks nobody for a key: it listens to this machine only, unless told otherwise.
    """
    settings = read_settings(state_dir=state_dir)
    logs = settings.jobs_dir.absolute()
    if find_spec("tensorboard") is None:
        raise OperatorError("TensorBoard isn't installed here: pip install 'kerasd[train]'")
    with suppress(OSError):  # there may be no jobs yet, and no right to write there
        make_folder(logs, settings.state_dir)
    if not is_loopback(host):
        click.echo(f"{host}: whoever reaches this address sees the logs of all jobs", err=True)
    click.echo(f"logs of all jobs below {logs}: http://{host}:{port}", err=True)
    sys.stderr.flush()
    # It reads what jobs have written, and has no use for the service's secrets.
    bare = bare_environment(Path(tempfile.gettempdir()))
    os.execve(sys.executable, command(logs, host, port), bare)  # noqa: S606 (it takes our place)


def command(logs: Path, host: str, port: int) -> list[str]:
    """TensorBoard's own program; a job that went on after a crash has several files."""
    return [
        sys.executable, "-P", "-m", "tensorboard.main", "--logdir", str(logs), "--host", host,
        "--port", str(port), "--reload_multifile", "true",
    ]  # fmt: skip
