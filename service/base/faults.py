"""What pydantic says of a fault, as it is told to people."""

from pydantic_core import ErrorDetails

OURS = "Value error, "  # before the words of our own checks
UNKNOWN = "extra_forbidden"


def fault_text(fault: ErrorDetails) -> str:
    """What was expected."""
    return fault["msg"].removeprefix(OURS)
