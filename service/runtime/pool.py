"""The versions that this process has loaded, lent by lease.

A model's pointer names the version that answers requests without a version. It moves in one
assignment; the version it left is closed when its last lease ends.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from service.base.errors import ModelNotFound, ModelNotReady


class Closable(Protocol):
    """Whatever holds a loaded version."""

    def close(self) -> None:
        """Give it back."""
        ...


Served = TypeVar("Served", bound=Closable)


@dataclass(slots=True)
class Slot(Generic[Served]):
    """One loaded version; another `identity` means that it must be loaded anew."""

    model: str
    version: int
    identity: str
    served: Served
    loaded_at: float
    leases: int = 0
    is_retired: bool = False


class Pool(Generic[Served]):
    """All loaded versions. Leases are cheap: a lock held for some hundred nanoseconds."""

    def __init__(self) -> None:
        self._slots: dict[str, Slot[Served]] = {}
        self._expected: dict[str, str] = {}
        self._is_known = False
        self._lock = threading.RLock()

    @contextmanager
    def lease(self, model: str, version: int | None = None) -> Iterator[Slot[Served]]:
        """Hold a version while it runs.

        Raises ModelNotFound for an unknown one, ModelNotReady for one that is expected or failed.
        """
        with self._lock:
            slot = self._find(model, version)
            slot.leases += 1
        try:
            yield slot
        finally:
            with self._lock:
                slot.leases -= 1
                is_last = slot.is_retired and slot.leases == 0
            if is_last:
                slot.served.close()

    def has(self, model: str) -> bool:
        """True when some version of the model is loaded."""
        return model in self._slots

    def knows(self, model: str) -> bool:
        """True when there is such a model, loaded or not."""
        return model in self._slots or model in self._expected

    def is_pending(self, model: str) -> bool:
        """True when a version of this model may appear soon, so that waiting makes sense."""
        with self._lock:
            return not self._is_known or (
                model in self._expected and not self._expected[model] and model not in self._slots
            )

    def expect(self, models: dict[str, str]) -> None:
        """Tell which models there are, each with the reason why it can't be served, if any.

        Called before the first of them is loaded: until then every model is pending.
        """
        with self._lock:
            self._expected = dict(models)
            self._is_known = True

    def put(self, slot: Slot[Served]) -> None:
        """Point the model at a version; its predecessor closes after its last lease."""
        with self._lock:
            previous = self._slots.get(slot.model)
            self._slots[slot.model] = slot
        self._retire(previous)

    def remove(self, model: str) -> None:
        """Stop answering for a model."""
        with self._lock:
            previous = self._slots.pop(model, None)
        self._retire(previous)

    def slots(self) -> list[Slot[Served]]:
        """What is loaded now, by model."""
        with self._lock:
            return [self._slots[model] for model in sorted(self._slots)]

    def _find(self, model: str, version: int | None) -> Slot[Served]:
        slot = self._slots.get(model)
        if slot is None:
            if model not in self._expected:
                if self._is_known:
                    raise ModelNotFound(model, version)
                raise ModelNotReady(model, "the service has just started")
            raise ModelNotReady(model, self._expected[model] or "it is being loaded")
        if version is not None and slot.version != version:
            raise ModelNotFound(model, version)
        return slot

    def _retire(self, slot: Slot[Served] | None) -> None:
        if slot is None:
            return
        with self._lock:
            slot.is_retired = True
            is_unused = slot.leases == 0
        if is_unused:
            slot.served.close()
