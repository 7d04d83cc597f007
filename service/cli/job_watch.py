"""A job as it goes, on the terminal: a bar that moves, and a line for each epoch."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from service.base.strict_json import Json
from service.cli.job_tables import number_text, print_result, progress_text
from service.cli.terminal import plain, printable
from service.client import Client, JobNews, JobStatus
from service.client_patience import PATIENCE_S

GOOD = ("PUBLISHED", "SUCCEEDED")
EXIT_NOTHING = 1
EXIT_INTERRUPTED = 130
SHOWN_METRICS = 4


def print_submitted(job: JobStatus) -> None:
    """What to do next."""
    click.echo(printable(f"job {job.id} is {job.state}; see: kerasd jobs watch {job.id}"))


def print_watched(client: Client, job: str, as_json: bool) -> int:
    """Show a job until it has ended; the exit code is 0 if something came of it.

    Whoever stops watching doesn't stop the job, nor does a service that is started anew.
    """
    try:
        _follow(client.events(job), quiet=as_json)
    except KeyboardInterrupt:
        click.echo(printable(f"job {job} goes on; to end it: kerasd jobs cancel {job}"), err=True)
        return EXIT_INTERRUPTED
    ended = client.job(job, PATIENCE_S)
    if as_json:
        from service.cli.ask import print_json

        print_json(asdict(ended))
    else:
        print_result(ended)
    return 0 if ended.state in GOOD else EXIT_NOTHING


def epoch_line(body: Json) -> str:
    """What one epoch came to."""
    metrics = list(body.get("metrics", {}).items())
    told = [f"{name} {number_text(value)}" for name, value in metrics]
    rate = number_text(body.get("learning_rate"))
    took = number_text(body.get("duration_s"))
    where = f"epoch {body['epoch']}/{body.get('epochs', '?')}"
    return "  ".join([where, *told, f"learning rate {rate}", f"{took} s"])


def _follow(news: Iterable[JobNews], quiet: bool) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        bar = Bar(progress)
        for one in news:
            if one.name in ("job", "end"):
                bar.move(one.data)
            elif not quiet:
                _tell(progress.console, one)


def _tell(console: Console, news: JobNews) -> None:
    body = news.data.get("body", {})
    if news.name == "epoch":
        console.print(plain(epoch_line(body)), highlight=False, soft_wrap=True)
    elif news.name == "state":
        why = body.get("why") or body.get("error") or ""
        console.print(plain(f"{body['state']} {why}".strip()), highlight=False, soft_wrap=True)


class Bar:
    """How far the job is, of all its batches."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task("waiting", total=None)

    def move(self, job: Json) -> None:
        """To where the service says that it is."""
        told = job.get("progress", {})
        with suppress(KeyError, TypeError, ZeroDivisionError):
            done = told["epoch"] - 1 + told["batch"] / told["batches"]
            words = [f"{name} {number_text(value)}" for name, value in _metrics(told)]
            text = f"epoch {told['epoch']}/{told['epochs']}  {'  '.join(words)}"
            self._progress.update(
                self._task, total=told["epochs"], completed=done, description=plain(text)
            )
            return
        text = progress_text(told) or job["state"]
        total, done = told.get("bytes_total"), told.get("bytes", 0)
        self._progress.update(self._task, description=plain(text), total=total, completed=done)


def _metrics(told: Json) -> list[tuple[str, Any]]:
    return list(told.get("metrics", {}).items())[:SHOWN_METRICS]
