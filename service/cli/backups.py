"""`kerasd backup` and `kerasd restore`: what can't be computed again, copied and put back."""

from pathlib import Path

import click

from service.base.settings import Settings, read_settings


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--state-dir", type=click.Path(path_type=Path), help="The service's.")
def backup(target: Path, state_dir: Path | None) -> None:
    """Copy database, keys, data files, captured inputs and ended jobs into a new folder TARGET."""
    from service.cli.backup import make_backup

    settings = read_settings(state_dir=state_dir)
    record = make_backup(settings, target.absolute())
    what = f"schema {record.schema_revision}" if record.schema_revision else "without the database"
    click.echo(f"{target}: {len(record.files)} files, {what}")
    _tell_of_keys(settings)


@click.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--state-dir", type=click.Path(path_type=Path), help="State directory; a fresh one.")
def restore(source: Path, state_dir: Path | None) -> None:
    """Put the backup SOURCE into a state directory in which no service has worked yet."""
    from service.cli.restore import restore_backup

    settings = read_settings(state_dir=state_dir)
    record = restore_backup(settings, source.absolute())
    click.echo(f"{settings.state_dir}: {len(record.files)} files of kerasd {record.kerasd}")
    for repository in record.repositories:
        click.echo(f"start it with the repository at the same path: {repository}")
    _tell_of_keys(settings)


def _tell_of_keys(settings: Settings) -> None:
    from service.cli.backup_record import are_keys_ours

    if not are_keys_ours(settings):
        click.echo(f"left to you: {settings.keys_path}, which lies where kerasd doesn't write")
