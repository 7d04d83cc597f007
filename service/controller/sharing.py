"""Compiled versions on their way to other machines, and from them, in threads of their own.

A version is READY only when those who are to serve it can have it.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from threading import BoundedSemaphore

from service.base.background import begin
from service.base.compiled import discard
from service.base.errors import KerasdError
from service.base.http_errors import RemoteAway
from service.base.refusals import ArtefactCorrupt
from service.repository.compiled_store import CompiledStore, Store
from service.repository.states import Loading, WorkerRecord

logger = logging.getLogger(__name__)

AT_ONCE = 2
LOOK_EVERY_S = 600.0


class Sharing:
    """Asked in each step of the controller; without a store everything is shared."""

    def __init__(self, compiled: CompiledStore) -> None:
        self._compiled = compiled
        self._room = BoundedSemaphore(AT_ONCE)
        self._fetching: dict[str, Future[bool]] = {}
        self._putting: dict[str, Future[None]] = {}
        self._looked_for: set[str] = set()
        self._nowhere: set[str] = set()
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
        if self._fetching.pop(key).result():
            self._nowhere.add(key)
        return False

    def is_nowhere(self, key: str) -> bool:
        """Whether a version that was looked for is known to be neither here nor elsewhere."""
        return key in self._nowhere and self._compiled.must_fetch(key)

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

    def step(
        self, ready: Iterable[str], now: float, unloadable: Callable[[], set[str]] = set
    ) -> None:
        """Now and then have what is READY put again where it has gone from the store, or isn't
        whole there, which is looked at where workers can't load it; and ask again for what could
        not be looked for.
        """
        self._looked_for = {key for key in self._looked_for if self._compiled.must_fetch(key)}
        if self._compiled.store is None or now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        self._nowhere &= self._looked_for
        self._looked_for &= self._nowhere
        if self._mending is None or self._mending.done():
            mend = partial(self._mend, self._compiled.store, set(ready), unloadable())
            self._mending = begin(mend)

    def _fetch(self, key: str) -> bool:
        """Whatever is wrong there, it is compiled here; true if it is known not to be there."""
        try:
            with self._room:
                is_here = self._compiled.bring(key)
            if is_here:
                logger.info("compiled version fetched", extra={"artefact": key})
            return not is_here
        except ArtefactCorrupt as error:
            logger.warning("a compiled version is corrupt where it was put, compiling anew",
                           extra={"artefact": key, "why": str(error)})  # fmt: skip
            self._remove(key)
            return True
        except (KerasdError, OSError) as error:
            logger.warning("a compiled version can't be fetched, compiling",
                           extra={"artefact": key, "why": _spoken(error)})  # fmt: skip
            return False

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

    def _mend(self, store: Store, keys: set[str], doubted: set[str]) -> None:
        for key in sorted(keys):
            folder = self._compiled.folder / key
            try:
                if key in doubted and not store.is_whole(key):
                    store.remove(key)
                if store.lacks(folder):
                    self._put(key)
                    logger.warning("a compiled version was gone or corrupt, it is put again",
                                   extra={"artefact": key})  # fmt: skip
            except ArtefactCorrupt as error:  # here; without its folder it is compiled anew
                logger.warning("compiled version is corrupt", extra={"why": str(error)})
                discard(folder)
            except (KerasdError, OSError) as error:
                why = _spoken(error)
                logger.warning("a compiled version can't be looked after",
                               extra={"artefact": key, "why": why})  # fmt: skip
                if isinstance(error, RemoteAway) and not error.is_of_object:
                    return


def doubted(workers: Iterable[WorkerRecord]) -> set[str]:
    """Compiled versions that workers can't load."""
    held = (one for worker in workers for one in worker.held)
    return {one.artefact for one in held if one.loading is Loading.FAILED}


def _spoken(error: BaseException) -> str:
    return str(error) if isinstance(error, (KerasdError, OSError)) else type(error).__name__
