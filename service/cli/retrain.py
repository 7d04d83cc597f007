"""`kerasd retrain`: ask for a retrain by options that say what most want, and watch it."""

import sys
from pathlib import Path
from typing import Any

import click

from service.cli.options import LABEL_HELP, add_options
from service.cli.versions import with_service

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OPTIONS = (
    click.option("--data", type=FILE, metavar="FILE",
                 help="Rows to learn from: CSV, Parquet, NPZ, NDJSON; it is sent first."),
    click.option("--server-data", metavar="NAME",
                 help="The same as a file that the service has: uploaded, or in its data folder."),
    click.option("--from-feedback", is_flag=True,
                 help="Learn from captured predictions whose label has arrived."),
    click.option("--since", metavar="TIME", help="Of those from then on: 30d, 12h, or ISO 8601."),
    click.option("--validation", type=FILE, metavar="FILE", help="Rows to validate with."),
    click.option("--label", metavar="COLUMN", help=LABEL_HELP),
    click.option("--epochs", type=int, help="How often all rows are gone through."),
    click.option("--batch-size", type=int, help="Rows in one step."),
    click.option("--seed", type=int, help="Of everything that is drawn."),
    click.option("--optimizer", help="Keras' name of it; default: the model's own."),
    click.option("--learning-rate", type=float, help="The optimizer's."),
    click.option("--loss", help="Keras' name of it; default: the model's own."),
    click.option("--metric", multiple=True, help="Keras' name of one; may be given again."),
    click.option("--class-weight", type=click.Choice(["balanced"]),
                 help="Rows of rare classes count more."),
    click.option("--patience", type=int, metavar="EPOCHS",
                 help="Stop when so many were no better, and end with the best one."),
    click.option("--from-version", type=int, metavar="N", help="Default: the current one."),
    click.option("--fresh", is_flag=True, help="Begin with fresh weights."),
    click.option("--weights", type=FILE, metavar="FILE",
                 help="Begin with the weights in a file, as far as they fit; it is sent first. "
                 "A TensorFlow checkpoint: one .zip of its files."),
    click.option("--freeze", multiple=True, metavar="LAYER", help="A name, or a pattern with *."),
    click.option("--train-last", type=int, metavar="N", help="Freeze all but the last N layers."),
    click.option("--classes", type=int, help="Replace the last layer by one for so many classes."),
    click.option("--promote", type=click.Choice(["auto", "manual", "never"]),
                 help="What follows a passed gate; default: manual, a version that waits."),
    click.option("--priority", type=int, help="A higher one begins earlier."),
    click.option("--description", help="A note; stands in the job and the manifest."),
    click.option("--request", "file", type=FILE, metavar="FILE.json",
                 help="The request as JSON; options are put over it."),
    click.option("--set", "settings", multiple=True, metavar="NAME.NAME=VALUE",
                 help="Anything of it: --set callbacks.CSVLogger=true."),
    click.option("--idempotency-key", "idempotency_key", default="",
                 help="The same key and request are the same job."),
    click.option("--why", default="", help="A reason for the audit."),
    click.option("--watch", is_flag=True, help="Show how it goes, until it has ended."),
)  # fmt: skip


@click.command()
@click.argument("model")
@add_options(*OPTIONS)
@with_service
def retrain(model: str, url: str | None, key: str | None, as_json: bool, **given: Any) -> None:
    """Train MODEL anew on labelled data; a better version, and only a better one, is published.

    With --watch it ends with 0 if the gate was passed: a version was published or, with --promote
    never, its candidate kept. Else it ends with 1.
    """
    from service.cli.ask import open_client, print_json
    from service.cli.job_watch import print_submitted, print_watched
    from service.cli.retrain_request import read_request, with_options, with_settings

    request = with_settings(with_options(read_request(given["file"]), given), given["settings"])
    _check_data(request, given)
    with open_client(url, key) as client:
        client.trigger = "cli"
        _send_files(client, model, request, given)
        job = client.retrain(model, request, given["idempotency_key"], given["why"])
        if given["watch"]:
            sys.exit(print_watched(client, job.id, as_json))
    if as_json:
        from dataclasses import asdict

        print_json(asdict(job))
    else:
        print_submitted(job)


def _send_files(client: Any, model: str, request: dict[str, Any], given: dict[str, Any]) -> None:
    """Files of this machine go to the service first; the request then has the names they got."""
    from service.cli.retrain_request import put

    if given["server_data"]:
        put(request, ("data", "file"), given["server_data"])
    for option, place in (
        ("data", ("data", "file")),
        ("validation", ("data", "validation_file")),
        ("weights", ("init", "weights_file")),
    ):
        if given[option] is not None:
            put(request, place, client.upload_data(model, given[option])["file"])
    if given["weights"] is not None:
        put(request, ("init", "from"), "file")


def _check_data(request: dict[str, Any], given: dict[str, Any]) -> None:
    """Before a file is sent. Where nothing is said of data, model.yaml may have it: the service
    knows.
    """
    if given["data"] or given["server_data"]:
        return
    data = request.get("data", {} if given["validation"] else None)
    if isinstance(data, dict) and not data.get("file") and data.get("from_feedback") is None:
        raise click.UsageError("say which rows: --data FILE, --server-data NAME or --from-feedback")
