"""`kerasd feedback`: send the true labels in a file, and have predictions forgotten."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from service.cli.versions import with_service

MODEL = click.argument("model")
MAX_SHOWN = 10
EXIT_REFUSED = 1


@click.group()
def feedback() -> None:
    """Tell the running service what was true of its predictions."""


@feedback.command()
@MODEL
@click.argument("source", metavar="FILE",
                type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@with_service
def send(model: str, source: Path, url: str | None, key: str | None, as_json: bool) -> None:
    """Send the labels in FILE (.csv, .ndjson or .json) for predictions of MODEL.

    To send a file again is no harm. Ends with 1 if a row wasn't kept.
    """
    from service.cli.ask import open_client, print_json
    from service.cli.labels_file import read_labels, send_labels

    labels = read_labels(source)
    with open_client(url, key) as client:
        done = send_labels(client, model, labels)
    if as_json:
        print_json(asdict(done))
    else:
        _print_sent(done)
    if done.kept < done.rows:
        sys.exit(EXIT_REFUSED)


@feedback.command()
@MODEL
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--why", default="", help="A reason for the audit.")
@with_service
def forget(
    model: str, ids: tuple[str, ...], why: str, url: str | None, key: str | None, as_json: bool
) -> None:
    """Delete all that is kept of the predictions of MODEL with these IDs.

    An id of which nothing was kept is counted too: nobody can tell it from one that never was.
    """
    from service.cli.ask import open_client, print_json
    from service.cli.terminal import printable

    with open_client(url, key) as client:
        done = client.forget(model, ids, why)
    if as_json:
        print_json(asdict(done))
    else:
        rows = f"{done.labelled_rows} labelled rows"
        click.echo(f"nothing of {done.forgotten} predictions is kept now, {rows} deleted")
        for id_, reason in done.refused.items():
            click.echo(printable(f"  {id_}: {reason}"))
    if done.refused:
        sys.exit(EXIT_REFUSED)


def _print_sent(done: Any) -> None:
    """Counts by outcome, then the first rows that weren't kept."""
    from service.cli.terminal import printable

    counts = ", ".join(f"{rows} {outcome}" for outcome, rows in done.outcomes.items())
    click.echo(printable(f"{done.kept} of {done.rows} rows kept: {counts or 'nothing to send'}"))
    for row in done.refused[:MAX_SHOWN]:
        click.echo(printable(f"  row {row.row}: {row.reason}: {row.text}"))
    if done.rows - done.kept > MAX_SHOWN:
        click.echo(f"  and {done.rows - done.kept - MAX_SHOWN} more")
