"""What every loaded version can do, whichever engine runs it."""

from typing import Protocol

from service.base.signature import Signature, Tensors


class LoadedVersion(Protocol):
    """A version that answers; safe to call from several threads at once."""

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        ...

    @property
    def row_cost_s(self) -> float:
        """Measured time of one instance; tells whether a run may hold up the event loop."""
        ...

    def run(self, inputs: Tensors) -> Tensors:
        """The outputs for a batch, by name; the inputs have been checked against the signature."""
        ...

    def close(self) -> None:
        """Give back what the version holds; called once, after the last run has ended."""
        ...
