"""`kerasd jobs`: which there are, how they go, their logs and files, and how to end one."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from service.cli.versions import with_service

STATES = (
    "QUEUED", "RUNNING", "EVALUATING", "GATED", "PUBLISHED", "SUCCEEDED", "FAILED", "CANCELLED",
)  # fmt: skip
JOB = click.argument("job")


@click.group()
def jobs() -> None:
    """Watch and cancel the running service's jobs: retrains, evaluations, batch predictions."""


@jobs.command("list")
@click.argument("model", required=False)
@click.option("--state", type=click.Choice(STATES))
@click.option("--kind", type=click.Choice(["retrain", "evaluate", "batch-predict"]))
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@with_service
def list_(url: str | None, key: str | None, as_json: bool, **asked: Any) -> None:
    """List the jobs of all models, or of MODEL; the latest first."""
    from service.cli.job_tables import print_jobs

    said = {name: value for name, value in asked.items() if value is not None}
    _ask((url, key, as_json), lambda client: client.jobs(**said), print_jobs)


@jobs.command()
@JOB
@with_service
def show(job: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show JOB: how far it is, its epochs, and what came of it."""
    from service.cli.job_tables import print_job

    _ask((url, key, as_json), lambda client: client.job(job), print_job)


@jobs.command()
@JOB
@click.option("--why", default="", help="A reason for the audit.")
@with_service
def cancel(job: str, why: str, url: str | None, key: str | None, as_json: bool) -> None:
    """End JOB: at once if it waits, else at its next batch."""
    from service.cli.job_tables import print_cancelled

    _ask((url, key, as_json), lambda client: client.cancel(job, why), print_cancelled)


@jobs.command()
@JOB
@click.option("--tail", type=click.IntRange(min=1), help="So many bytes of its end.")
@with_service
def log(job: str, tail: int | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Print the end of what JOB's program has printed."""
    from service.cli.terminal import printable

    def show_log(text: str) -> None:
        click.echo("\n".join(printable(line) for line in text.splitlines()))

    _ask((url, key, as_json), lambda client: client.job_log(job, tail), show_log)


@jobs.command()
@JOB
@click.argument("name", required=False)
@click.option("--output", type=click.Path(path_type=Path), help="Default: its name, here.")
@with_service
def artefacts(
    job: str, name: str | None, output: Path | None, url: str | None, key: str | None, as_json: bool
) -> None:
    """List the files of JOB, or download the one called NAME."""
    from service.cli.job_tables import print_artefacts

    if name is None:
        _ask((url, key, as_json), lambda client: client.artefacts(job), print_artefacts)
        return
    target = output or Path(name.rpartition("/")[2])
    if output is None and target.exists():
        raise click.UsageError(f"{target} is here already; say --output {target} to replace it")
    _ask(
        (url, key, False),
        lambda client: client.download(job, name, target),
        lambda _: click.echo(str(target)),
    )


@jobs.command()
@JOB
@with_service
def watch(job: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show how JOB goes, until it has ended; ends with 1 if nothing came of it."""
    from service.cli.ask import open_client
    from service.cli.job_watch import print_watched

    with open_client(url, key) as client:
        found = client.job(job)  # who asks a wrong address is told at once
        sys.exit(print_watched(client, found.id, as_json))


def _ask(
    told: tuple[str | None, str | None, bool],
    call: Callable[[Any], Any],
    show_: Callable[[Any], None],
) -> None:
    """Ask the service, and print what it says."""
    from service.cli.ask import open_client, print_json

    url, key, as_json = told
    with open_client(url, key) as client:
        answer = call(client)
    (print_json if as_json else show_)(_plain(answer) if as_json else answer)


def _plain(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_plain(one) for one in answer]
    return asdict(answer) if hasattr(answer, "__dataclass_fields__") else answer
