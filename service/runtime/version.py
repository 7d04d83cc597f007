"""What every loaded version can do, whichever engine runs it."""

from typing import Protocol

from service.base.signature import Signature, Tensors
from service.runtime.measurement import Measured


class LoadedVersion(Protocol):
    """A version that answers; safe to call from several threads at once."""

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        ...

    @property
    def measured(self) -> Measured:
        """All that was found out when it was loaded; the plan for running it follows from this."""
        ...

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        """The outputs for a batch, by name; the inputs have been checked against the signature.

        `deadline` is a time of `time.monotonic`. Raises DeadlineExceeded soon after it.
        """
        ...

    def close(self) -> None:
        """Give back what the version holds; called once, after the last run has ended."""
        ...
