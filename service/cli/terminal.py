"""What may be shown on a terminal of texts that come from outside."""

from rich.markup import escape


def printable(text: object) -> str:
    """Without control characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def plain(text: object) -> str:
    """The same for a table of rich's: what looks like markup is none."""
    return escape(printable(text))
