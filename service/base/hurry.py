"""Asks others who may never finish their answer: for so long and no longer, and one at a time."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Hurry(Generic[Answer]):
    """A question is asked in a thread, which is left behind if it takes too long: timeouts between
    two pieces of an answer don't end one that drips. As long as that thread lives nothing else is
    asked, so that there is never more than one. Used by one thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None

    def ask(self, question: Callable[[], Answer], within_s: float) -> Answer:
        """What it returns, or raises. Raises TimeoutError without a whole answer in time."""
        if self._thread is not None and self._thread.is_alive():
            raise TimeoutError("an earlier question isn't answered yet")
        answers: list[Answer] = []
        failures: list[Exception] = []

        def run() -> None:
            try:
                answers.append(question())
            except Exception as error:  # told to who has asked
                failures.append(error)

        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()
        self._thread.join(within_s)
        if failures:
            raise failures[0]
        if not answers:
            raise TimeoutError(f"no whole answer within {within_s:g} seconds")
        return answers[0]
