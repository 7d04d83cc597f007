"""Compiled versions on their way to other machines, and from them, in threads of their own.

A version is READY only when those who are to serve it can have it.
"""

import logging
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from threading import BoundedSemaphore

from service.base.background import begin
from service.base.errors import KerasdError
from service.base.refusals import ArtefactCorrupt
from service.repository.compiled_store import CompiledStore, Store

logger = logging.getLogger(__name__)

AT_ONCE = 2
LOOK_EVERY_S = 600.0


class Sharing:
    """Asked in each step of the controller; without a store everything is shared."""

    def __init__(self, compiled: CompiledStore) -> None:
        self._compiled = compiled
        self._room = BoundedSemaphore(AT_ONCE)
        self._fetching: dict[str, Future[None]] = {}
        self._putting: dict[str, Future[None]] = {}
        self._looked_for: set[str] = set()
        self._shared: set[str] = set()
        self._look_at = LOOK_EVERY_S
        self._mending: Future[None] | None = None

    @property
    def is_over_an_address(self) -> bool:
        """Whether what isn't here may be elsewhere."""
        return self._compiled.is_shared

    def is_busy(self, key: str) -> bool:
        """True while a version is fetched or put, or will be."""
        begun = (self._fetching.get(key), self._putting.get(key))
        return any(one is not None and not one.done() for one in begun)

    def must_wait(self, key: str) -> bool:
        """Begin to look for a version elsewhere, once; true until that is known."""
        if not self._compiled.must_fetch(key) or key in self._looked_for:
            return False
        if key not in self._fetching:
            self._fetching[key] = begin(partial(self._fetch, key))
        if not self._fetching[key].done():
            return True
        self._looked_for.add(key)
        del self._fetching[key]
        return False

    def problem(self, key: str) -> str | None:
        """Why a version isn't shared; empty if it is, none while it is on its way."""
        if self._compiled.store is None or key in self._shared:
            return ""
        if key not in self._putting:
            self._putting[key] = begin(partial(self._put, key))
        if not self._putting[key].done():
            return None
        ended = self._putting.pop(key).exception()
        if ended is None:
            self._shared.add(key)
            return ""
        return f"it can't be put where others fetch it: {_spoken(ended)}"

    def step(self, ready: Iterable[str], now: float) -> None:
        """Now and then have what is READY put again where it has gone from the store."""
        self._looked_for = {key for key in self._looked_for if self._compiled.must_fetch(key)}
        if self._compiled.store is None or now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        if self._mending is None or self._mending.done():
            self._mending = begin(partial(self._mend, self._compiled.store, set(ready)))

    def _fetch(self, key: str) -> None:
        """Whatever is wrong there, it is compiled here."""
        try:
            with self._room:
                is_here = self._compiled.bring(key)
            if is_here:
                logger.info("compiled version fetched", extra={"artefact": key})
        except ArtefactCorrupt as error:
            logger.warning("a compiled version is corrupt where it was put, compiling anew",
                           extra={"artefact": key, "why": str(error)})  # fmt: skip
            self._remove(key)
        except (KerasdError, OSError) as error:
            logger.warning("a compiled version can't be fetched, compiling",
                           extra={"artefact": key, "why": _spoken(error)})  # fmt: skip

    def _remove(self, key: str) -> None:
        try:
            if self._compiled.store is not None:
                self._compiled.store.remove(key)
        except KerasdError as error:
            logger.warning("it can't be removed", extra={"artefact": key, "why": str(error)})

    def _put(self, key: str) -> None:
        store = self._compiled.store
        if store is not None:
            with self._room:
                store.put(self._compiled.folder / key)

    def _mend(self, store: Store, keys: set[str]) -> None:
        for key in sorted(keys):
            try:
                if store.lacks(self._compiled.folder / key):
                    self._put(key)
                    logger.warning("a compiled version was gone, it is put again",
                                   extra={"artefact": key})  # fmt: skip
            except ArtefactCorrupt:  # here; it is compiled anew when it is looked at
                continue
            except (KerasdError, OSError) as error:
                why = _spoken(error)
                logger.warning("compiled versions can't be looked after", extra={"why": why})
                return


def _spoken(error: BaseException) -> str:
    return str(error) if isinstance(error, (KerasdError, OSError)) else type(error).__name__
