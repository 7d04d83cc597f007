"""Work in threads that nobody waits for when the process ends: it may hang on others' machines."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def begin(work: Callable[[], Result]) -> Future[Result]:
    """Do it in a thread of its own."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="background", daemon=True).start()
    return future


def each(work: Callable[[Item], Result], items: Sequence[Item], at_once: int) -> list[Result]:
    """The results in order, by so many threads; raises the first error, then begins no other."""
    results: dict[int, Result] = {}
    errors: list[BaseException] = []
    numbers = iter(range(len(items)))
    lock = threading.Lock()

    def run() -> None:
        while not errors:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            results[number] = work(items[number])

    for future in [begin(run) for _ in range(min(at_once, len(items)))]:
        error = future.exception()
        if error is not None:
            errors.append(error)
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(items))]
