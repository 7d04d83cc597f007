"""`kerasd batch-predict`: predictions for files of any size, here or as jobs of the service."""

from pathlib import Path
from typing import Any

import click

from service.cli.options import add_options
from service.cli.versions import with_service

PATH = click.Path(path_type=Path)
OPTIONS = (
    click.option("--version", type=click.IntRange(min=1), help="Default: the current one."),
    click.option("--format", "format_", type=click.Choice(["auto", "parquet", "csv", "ndjson"]),
                 default="auto",
                 help="Of what is written; default: as what is read, or as OUT's name ends."),
    click.option("--columns", multiple=True, metavar="WHAT=NAME,...",
                 help="features, ignore, label, weight or time and columns; may be given again."),
    click.option("--keep", type=click.Choice(["all", "others", "none"]), default="all",
                 help="Which columns are written again; others: what the model doesn't take."),
    click.option("--label-names", metavar="NAME,...|FILE",
                 help="Names of the classes, or a file with one a line; default: model.yaml's."),
    click.option("--prefix", default="", help="Before the names of the columns that are added."),
    click.option("--batch-rows", type=click.IntRange(min=1), help="Rows that are run at once."),
    click.option("--skip-bad", is_flag=True,
                 help="Write nulls, and why in a column error, for what can't be predicted."),
    click.option("--fresh", is_flag=True, help="Remove what another run has left, and begin anew."),
    click.option("--shards", type=click.IntRange(1, 1000), metavar="N",
                 help="Run as N jobs of the service; IN and OUT lie in its data folder."),
    click.option("--threads", type=click.IntRange(min=1), help="That run the model; default: all."),
    click.option("--repository", type=PATH, help="Folder of models; default: from the settings."),
    click.option("--state-dir", type=PATH, help="Folder of the service's state."),
)  # fmt: skip


@click.command("batch-predict")
@click.argument("model")
@click.argument("source", metavar="IN", type=PATH)
@click.argument("target", metavar="OUT", type=PATH)
@add_options(*OPTIONS)
@with_service
def batch_predict(model: str, source: Path, target: Path, **given: Any) -> None:
    """Predict all rows of IN, a file or a folder (Parquet, CSV, NDJSON), with MODEL into OUT.

    OUT has the same rows and columns, and scores, class_index, label and version beside them.
    Started again it goes on behind the last finished file.
    """
    from service.cli.batch_request import options_of

    options = options_of(given)
    if given["shards"] is None:
        from service.cli.batch_local import predict_here

        predict_here(model, source, target, options, given)
    else:
        from service.cli.batch_shards import predict_in_shards

        predict_in_shards(model, source, target, options, given)
