"""`kerasd receipts`: the keys that receipts are signed with, in the service's database."""

import time
from datetime import UTC, datetime
from pathlib import Path

import click

STATE = click.option("--state-dir", type=click.Path(path_type=Path),
                     help="State directory of the service.")  # fmt: skip


@click.group()
def receipts() -> None:
    """List and rotate the keys that sign prediction_ids; works beside a running service."""


@receipts.command("list")
@STATE
def list_(state_dir: Path | None) -> None:
    """Show when each key was made and whether it still signs; the keys themselves never."""
    from service.cli.receipt_database import key_store
    from service.cli.terminal import print_table

    with key_store(state_dir) as store:
        known = store.read()
    rows = [
        (
            key.id, _day(key.created_at),
            "signs" if key.retired_at is None else f"reads only, since {_day(key.retired_at)}",
        )
        for key in known
    ]  # fmt: skip
    print_table(("id", "made", "state"), rows)


@receipts.command()
@STATE
@click.option("--forget-old", is_flag=True, help="Somebody knows an old one: accept none of them.")
def rotate(state_dir: Path | None, forget_old: bool) -> None:
    """Sign with a new key from now on; receipts of the old ones stay good.

    Running services follow within a minute.
    """
    from service.cli.receipt_database import key_store

    with key_store(state_dir) as store:
        key = store.rotate(time.time(), forget=forget_old)
    click.echo(f"key {key.id} signs from now on")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
