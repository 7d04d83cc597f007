"""Which changes to models may be asked for over HTTP, and how many at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import g

from service.base.errors import Overloaded
from service.base.http_errors import Forbidden
from service.base.log import request_id
from service.repository.audit import Order

AT_ONCE = 2


class Permits:
    """One worker's: few at a time, for each holds a thread until all workers have followed."""

    def __init__(self, is_on: bool) -> None:
        self._is_on = is_on
        self._free = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Room for one change. Raises Forbidden, or Overloaded when there is none."""
        if not self._is_on:
            raise Forbidden("Changing models over HTTP is switched off (model_control)")
        if not self._free.acquire(blocking=False):
            raise Overloaded("changes to models", AT_ONCE)
        try:
            yield
        finally:
            self._free.release()


def order_of(why: str = "", expected_current: int | None = None) -> Order:
    """The change that this request asks for, with who asks for it."""
    who = g.caller.name if "caller" in g else "anybody"
    return Order(who, why, request_id.get(), expected_current)
