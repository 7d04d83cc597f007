"""Batch predictions in this process, beside a service that may be running: it only reads what the
controller has compiled.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from service.base.database import is_missing, open_database
from service.base.database_errors import database_words
from service.base.http_errors import Conflict
from service.base.processors import processors
from service.base.settings import Settings, read_settings
from service.cli.batch_bar import BatchBar
from service.cli.terminal import printable
from service.recipe.batch import BatchOptions
from service.training.batch.run import BatchOrder, Progress, Subject, run_batch
from service.training.batch.subject import find_current, find_subject
from service.training.workplace import Workplace, open_workplace


def predict_here(
    model: str, source: Path, target: Path, options: BatchOptions, given: Mapping[str, Any]
) -> None:
    """Do it, and say what it came to. Raises KerasdError."""
    settings = read_settings(repository=given["repository"], state_dir=given["state_dir"])
    with _workplace(settings) as place:
        if not place.versions.rows(model):
            raise Conflict(
                f"Model {model} isn't known to the service of {settings.state_dir} with the "
                f"repository {settings.repository}; others are named with --state-dir, --repository"
            )
        version = given["version"] or find_current(place.versions, model)
        subject = find_subject(place, model, version)
    threads = given["threads"] or settings.job_threads or processors()
    token = secrets.token_hex(6)
    order = BatchOrder(source, target, options, token, token, given["fresh"], threads=threads)
    with BatchBar(quiet=given["as_json"]) as bar:
        done = run_batch(order, subject, _Watcher(bar))
    if given["as_json"]:
        from service.cli.ask import print_json

        print_json(result_of(subject, done))
    else:
        click.echo(printable(told(done.rows, done.errors, done.files, version)))


def told(rows: int, errors: int, files: int, version: int) -> str:
    """What a run came to, in one sentence."""
    word = "file" if files == 1 else "files"
    without = f", {errors} of them without a prediction" if errors else ""
    return f"{rows} rows in {files} {word} by version {version}{without}"


def result_of(subject: Subject, done: Progress) -> dict[str, Any]:
    """The same for programs."""
    return {
        "model": subject.model, "version": subject.version, "rows": done.rows,
        "errors": done.errors, "files": done.files,
    }  # fmt: skip


class _Watcher:
    """Moves the bar; nobody ends it but the user."""

    def __init__(self, bar: BatchBar) -> None:
        self._bar = bar

    def check(self) -> None:
        """Nothing else may run in its place."""

    def tell(self, progress: Progress) -> None:
        """How far it is."""
        files = f"{progress.files}/{progress.files_total}"
        self._bar.move(progress.bytes, progress.bytes_total, progress.rows, files)

    def finished(self, unit: str, rows: int, errors: int) -> None:
        """The bar says it."""


@contextmanager
def _workplace(settings: Settings) -> Iterator[Workplace]:
    """What the service has recorded. Raises Conflict."""
    where = f"the state directory {settings.state_dir}"
    if is_missing(settings.database):
        raise Conflict(
            f"There is no database in {where}: start the service there once, it compiles the "
            "models, or name its own with --state-dir"
        )
    engine = open_database(settings.database)
    try:
        yield open_workplace(settings, engine)
    except SQLAlchemyError as error:
        why = database_words(error)
        raise Conflict(f"The versions recorded in {where} can't be read ({why})") from error
    finally:
        engine.dispose()
