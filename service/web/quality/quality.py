"""What one worker needs so that its answers can be held against the truth later."""

import time
from collections.abc import Callable

from service.capture.writer import CaptureWriter
from service.quality.intake import Intake
from service.quality.receipt import Receipts
from service.quality.receipt_keys import ReceiptKeys
from service.quality.store import QualityStore
from service.quality.store_keys import KeyStore
from service.web.exchange import Facts, Identity
from service.web.quality.answer_shape import packer
from service.web.quality.receipting import Receipting
from service.web.quality.recorder import Recorder, Tally


class Quality:
    """Keys, receipts, captured inputs, feedback's way in and the store.

    `start` is called after the fork, `close` at the end.
    With `is_on` false no answer has a receipt and none is counted; feedback is taken all the same.
    """

    def __init__(
        self,
        store: QualityStore,
        key_store: KeyStore,
        repository: str,
        capture: CaptureWriter,
        is_on: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.key_store = key_store
        self.keys = ReceiptKeys(key_store, clock)
        self.receipts = Receipts(self.keys, repository, clock)
        self.intake = Intake(self.receipts, self.store)
        self.recorder = Recorder(self.store, self.keys.refresh, clock)
        self.capture = capture
        self._is_on = is_on

    def start(self) -> None:
        """Begin to read the keys and to write down what is to be kept; returns at once."""
        if self._is_on:
            self.recorder.start()
            self.capture.start()

    def receipting(self, facts: Facts) -> Receipting | None:
        """What gives the answers of a version their receipts."""
        if not self._is_on:
            return None
        identity, pack = facts.identity, packer(facts.config, facts.signature)
        issuer = self.receipts.issuer(identity.model, identity.version, pack.shape)
        key = (identity.model, identity.version)
        tap = self.capture.tap(*key, facts.signature)
        return Receipting(key, issuer, pack, self.recorder, tap)

    def tally(self, identity: Identity) -> Tally | None:
        """Where the answers of a version are counted."""
        return self.recorder.tally((identity.model, identity.version)) if self._is_on else None

    def close(self) -> None:
        """Write what waits, and end the threads."""
        self.capture.close()
        self.recorder.close()
