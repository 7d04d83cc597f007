"""`kerasd evaluate`: score versions on a file with known labels."""

import sys
from pathlib import Path
from typing import Any

import click

from service.cli.options import LABEL_HELP
from service.cli.versions import with_service


@click.command()
@click.argument("model")
@click.argument("source", metavar="FILE",
                type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@click.option("--version", "versions", type=click.IntRange(min=1), multiple=True,
              help="May be given again: the others are compared with the first.")  # fmt: skip
@click.option("--dataset", help="What the data is for: test, validation or another name.")
@click.option("--label", metavar="COLUMN", help=LABEL_HELP)
@click.option("--no-watch", is_flag=True, help="Return when the job is queued.")
@with_service
def evaluate(
    model: str, source: Path, url: str | None, key: str | None, as_json: bool, **given: Any
) -> None:
    """Score MODEL on the labelled rows in FILE (CSV, Parquet, NPZ, NDJSON); it is sent first.

    The scores are kept, and told on /metrics.
    """
    from service.cli.ask import open_client
    from service.cli.job_watch import print_submitted, print_watched

    with open_client(url, key) as client:
        client.trigger = "cli"
        data: dict[str, Any] = {"file": client.upload_data(model, source)["file"]}
        if given["label"]:
            data["columns"] = {"label": given["label"]}
        request: dict[str, Any] = {"data": data, "versions": list(given["versions"])}
        if given["dataset"]:
            request["dataset"] = given["dataset"]
        job = client.evaluate(model, request)
        if given["no_watch"]:
            print_submitted(job)
        else:
            sys.exit(print_watched(client, job.id, as_json))
