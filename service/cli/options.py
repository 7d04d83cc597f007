"""Options that commands take together."""

from collections.abc import Callable
from typing import Any

LABEL_HELP = "Column of the labels; default: y, label, target, class or labels."


def add_options(*options: Any) -> Callable[[Any], Any]:
    """A decorator that adds them to a command, whose help shows them in this order."""

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add
