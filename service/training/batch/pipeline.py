"""A file from its reader through the model to its writer: each in threads of its own, in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Given = TypeVar("Given")
Made = TypeVar("Made")

WAITING = 2  # finished pieces of work between two threads
LOOK_S = 0.1


class _End:
    """Stands after the last item; with the error that ended it before its time."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Handover(Generic[Item]):
    """A bounded queue between two threads, one of which may give up."""

    def __init__(self) -> None:
        self._queue: Queue[Item | _End] = Queue(WAITING)
        self._is_over = threading.Event()

    def put(self, item: Item | _End) -> bool:
        """Wait for room; false when nobody takes it any more."""
        while not self._is_over.is_set():
            try:
                self._queue.put(item, timeout=LOOK_S)
                return True
            except Full:
                continue
        return False

    def end(self, error: BaseException | None = None) -> None:
        """Nothing comes any more."""
        self.put(_End(error))

    def __iter__(self) -> Iterator[Item]:
        while not self._is_over.is_set():
            try:
                item = self._queue.get(timeout=LOOK_S)
            except Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def close(self) -> None:
        """Neither side waits any more."""
        self._is_over.set()


@contextmanager
def read_ahead(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """The items, read by another thread."""
    handover: Handover[Item] = Handover()

    def read() -> None:
        try:
            for item in items:
                if not handover.put(item):
                    return
            handover.end()
        except BaseException as error:
            handover.end(error)

    thread = threading.Thread(target=read, name="reader", daemon=True)
    thread.start()
    try:
        yield iter(handover)
    finally:
        handover.close()
        thread.join()


@contextmanager
def written_behind(write: Callable[[Item], object]) -> Iterator[Callable[[Item], None]]:
    """A function that has another thread write the items; all are written at the end.

    Raises there, or from the function, what `write` has raised.
    """
    handover: Handover[Item] = Handover()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for item in handover:
                write(item)
        except BaseException as error:
            errors.append(error)
            handover.close()

    def give(item: Item) -> None:
        if not handover.put(item):
            raise errors[0]

    thread = threading.Thread(target=work, name="writer", daemon=True)
    thread.start()
    try:
        yield give
        handover.end()
    except BaseException:
        handover.close()
        raise
    finally:
        thread.join()
    if errors:
        raise errors[0]


def in_order(items: Iterator[Given], work: Callable[[Given], Made], threads: int) -> Iterator[Made]:
    """What `work` makes of each item, several at a time, in the order of the items."""
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="model") as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
