"""One batch: who goes together is a matter of order, shape and room; splitting undoes joining."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from service.base.signature import DTYPES, STRING, Tensors
from service.runtime.batch import ItemShape, Waiting, choose_batch, gather, split

NEVER = 1e12


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


class TestChoice:
    @pytest.fixture(autouse=True)
    def _loop(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def waiting(
        self, rows: int, item_shape: ItemShape = (), deadline: float = NEVER, gone: bool = False
    ) -> Waiting:
        future = self.loop.create_future()
        return Waiting({}, rows, deadline, 0.0, future, lambda: gone, item_shape)

    def test_the_oldest_go_together_up_to_the_limit(self) -> None:
        queue = [self.waiting(2) for _ in range(5)]
        choice = choose_batch(queue, 6, 0.0)
        assert choice.chosen == queue[:3]
        assert choice.left == queue[3:]
        assert choice.rows == 6

    def test_a_request_above_the_limit_runs_alone(self) -> None:
        queue = [self.waiting(9), self.waiting(1)]
        assert choose_batch(queue, 8, 0.0).chosen == queue[:1]

    def test_what_does_not_fit_is_not_overtaken_by_what_would(self) -> None:
        queue = [self.waiting(5), self.waiting(9), self.waiting(1)]
        choice = choose_batch(queue, 8, 0.0)
        assert (choice.chosen, choice.left) == (queue[:1], queue[1:])

    def test_other_shapes_wait_in_their_order(self) -> None:
        short, long = ((3,),), ((7,),)
        queue = [self.waiting(1, shape) for shape in (short, long, short, long, short)]
        choice = choose_batch(queue, 8, 0.0)
        assert choice.chosen == queue[0::2]
        assert choice.left == queue[1::2]

    def test_the_dead_are_dropped(self) -> None:
        late, gone, alive = (
            self.waiting(1, deadline=5.0),
            self.waiting(1, gone=True),
            (self.waiting(1)),
        )
        cancelled = self.waiting(1)
        cancelled.future.cancel()
        choice = choose_batch([late, gone, cancelled, alive], 8, 5.0)
        assert choice.over == [late, gone, cancelled]
        assert (choice.chosen, choice.left) == ([alive], [])

    def test_without_room_to_join_each_runs_alone(self) -> None:
        queue = [self.waiting(1), self.waiting(1)]
        choice = choose_batch(queue, 0, 0.0)
        assert (choice.chosen, choice.left) == (queue[:1], queue[1:])

    @pytest.mark.parametrize("at", [0, 1])
    def test_one_that_must_be_alone_is(self, at: int) -> None:
        queue = [self.waiting(1) for _ in range(3)]
        queue[at].is_alone = True
        chosen = choose_batch(queue, 8, 0.0).chosen
        assert chosen == ([queue[0]] if at == 0 else [queue[0], queue[2]])

    @given(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=40), st.integers(0, 9)
    )
    def test_nobody_is_lost_and_everybody_gets_a_turn(
        self, requests: list[tuple[int, int]], max_rows: int
    ) -> None:
        queue = [self.waiting(rows, ((kind,),)) for rows, kind in requests]
        answered: list[Waiting] = []
        left = queue
        while left:
            choice = choose_batch(left, max_rows, 0.0)
            assert choice.chosen[0] is left[0]
            assert len(choice.chosen) == 1 or choice.rows <= max_rows
            assert sorted(map(id, choice.chosen + choice.left)) == sorted(map(id, left))
            answered += choice.chosen
            left = choice.left
        assert len(answered) == len(queue)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Tensors], list[int]]:
    """Requests of one batch: one or two inputs of any dtype, with the same items' shapes."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    requests: list[Tensors] = [{} for _ in sizes]
    for name in draw(st.sampled_from(["a", "ab"])):
        dtype = draw(st.sampled_from(sorted(DTYPES)))
        item = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
        for request, rows in zip(requests, sizes, strict=True):
            request[name] = draw(filled(dtype, (rows, *item)))
    return requests, sizes


def filled(dtype: str, shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    if dtype == STRING:
        return arrays.arrays(object, shape, elements=st.text() | st.binary())
    return arrays.arrays(dtype, shape)


class TestSplit:
    @given(batches())
    def test_it_undoes_gathering(self, drawn: tuple[list[Tensors], list[int]]) -> None:
        requests, sizes = drawn
        loop = asyncio.new_event_loop()
        queue = [
            Waiting(inputs, rows, NEVER, 0.0, loop.create_future())
            for inputs, rows in zip(requests, sizes, strict=True)
        ]
        loop.close()
        parts = split(gather(queue), sizes)
        assert parts is not None
        for part, inputs in zip(parts, requests, strict=True):
            assert part.keys() == inputs.keys()
            for name, array in inputs.items():
                assert part[name].dtype == array.dtype
                assert part[name].shape == array.shape
                assert part[name].tolist() == array.tolist() or _bits(part[name]) == _bits(array)

    @pytest.mark.parametrize("shape", [(), (1, 3), (6, 3)])
    def test_outputs_of_other_rows_are_not_split(self, shape: tuple[int, ...]) -> None:
        outputs = {"good": np.zeros((5, 1)), "bad": np.zeros(shape)}
        assert split(outputs, [2, 3]) is None

    def test_a_single_request_gets_what_there_is(self) -> None:
        outputs = {"y": np.zeros((1, 3))}
        assert split(outputs, [4]) == [outputs]


def _bits(array: np.ndarray) -> bytes:
    """For floats, of which NaN is not equal to itself."""
    return array.tobytes()
