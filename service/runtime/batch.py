"""One batch of requests: which of those that wait go together, and how they are joined and split.

Everything here is pure; `lane.py` does it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from service.base.signature import Tensors

IsGone = Callable[[], bool]
ItemShape = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """One request's outputs, how long it waited and how long the run took it was part of."""

    outputs: Tensors
    queue_s: float
    run_s: float


@dataclass(slots=True, eq=False)
class Waiting:
    """One request. Only those with the same `item_shape` fit into one array.

    `is_alone` is set for one that must not be joined: its batch has failed, or its inputs don't
    have the same number of rows.
    """

    inputs: Tensors
    rows: int
    deadline: float
    queued_at: float
    future: asyncio.Future[Answered]
    is_gone: IsGone | None = None
    item_shape: ItemShape = ()
    is_alone: bool = False

    def is_over(self, now: float) -> bool:
        """True when nobody waits for the answer any more."""
        return (
            self.deadline <= now
            or self.future.done()
            or (self.is_gone is not None and self.is_gone())
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """`chosen` run next, `over` never do, `left` wait on; each in the order of arrival."""

    chosen: list[Waiting]
    over: list[Waiting]
    left: list[Waiting]

    @property
    def rows(self) -> int:
        """The rows of the next run."""
        return sum(item.rows for item in self.chosen)


def choose_batch(waiting: Sequence[Waiting], max_rows: int, now: float) -> Choice:
    """The oldest request and those that fit beside it, up to the first that is too much.

    A request larger than `max_rows` runs alone; `max_rows` of 0 lets every request run alone.
    """
    chosen: list[Waiting] = []
    over: list[Waiting] = []
    left: list[Waiting] = []
    room = max_rows
    for index, item in enumerate(waiting):
        if item.is_over(now):
            over.append(item)
        elif not chosen:
            chosen.append(item)
            room = 0 if item.is_alone else room - item.rows
        elif room <= 0:
            left.extend(waiting[index:])
            break
        elif item.is_alone or item.item_shape != chosen[0].item_shape:
            left.append(item)
        elif item.rows <= room:
            chosen.append(item)
            room -= item.rows
        else:
            left.append(item)
            room = 0
    return Choice(chosen, over, left)


def gather(batch: Sequence[Waiting]) -> Tensors:
    """The inputs of all as one batch; those of a single request as they are."""
    if len(batch) == 1:
        return batch[0].inputs
    return {name: np.concatenate([item.inputs[name] for item in batch]) for name in batch[0].inputs}


def split(outputs: Tensors, sizes: Sequence[int]) -> list[Tensors] | None:
    """Each request's own rows; none when an output doesn't have one row for every row asked.

    They are views: all answers of a batch are encoded in the same moment, so none of them keeps
    the others' rows for longer than they are needed anyway.
    """
    if len(sizes) == 1:
        return [outputs]
    bounds = list(accumulate(sizes, initial=0))
    if any(array.ndim == 0 or len(array) != bounds[-1] for array in outputs.values()):
        return None
    return [
        {name: array[start:stop] for name, array in outputs.items()}
        for start, stop in pairwise(bounds)
    ]
