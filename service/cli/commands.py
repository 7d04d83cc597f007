"""A group of commands whose modules are imported when they are asked for.

What serves for months must not carry in its memory what asks it once: each process begins here.
"""

from importlib import import_module
from typing import Any

import click

ELSEWHERE = {
    "backup": "service.cli.backups:backup",
    "batch-predict": "service.cli.batch_predict:batch_predict",
    "evaluate": "service.cli.evaluate:evaluate",
    "feedback": "service.cli.feedback:feedback",
    "jobs": "service.cli.jobs:jobs",
    "keys": "service.cli.keys:keys",
    "migrate": "service.cli.migrate:migrate_command",
    "models": "service.cli.versions:models",
    "receipts": "service.cli.receipts:receipts",
    "restore": "service.cli.backups:restore",
    "retrain": "service.cli.retrain:retrain",
    "tensorboard": "service.cli.tensorboard:tensorboard",
}


class Commands(click.Group):
    """The commands that were added, and those of `ELSEWHERE`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name."""
        return sorted({*super().list_commands(ctx), *ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, imported if it must be."""
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name not in ELSEWHERE:
            return found
        module, _, name = ELSEWHERE[cmd_name].partition(":")
        command: Any = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command
