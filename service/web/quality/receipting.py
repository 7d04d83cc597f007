"""Gives the answers of one version their receipts, and has recorded what isn't inside of them."""

from service.base.signature import Tensors
from service.quality.receipt import Issuer, is_own_id
from service.web.decisions import Decided
from service.web.quality.answer_shape import Packer
from service.web.quality.recorder import Key, Recorder


class Receipting:
    """Quick enough for the event loop, and safe in threads; never raises for want of a database."""

    def __init__(
        self,
        key: Key,
        issuer: Issuer,
        packer: Packer,
        recorder: Recorder,
    ) -> None:
        self._key = key
        self._issuer = issuer
        self._packer = packer
        self._recorder = recorder
        self._tally = recorder.tally(key)

    def receive(self, outputs: Tensors, decided: Decided | None, rows: int, own: str) -> str:
        """The receipt of an answer, or an empty text as long as there is no key.

        `own` is what the client calls the request; where that may be an id, the answer is kept
        under it too.
        """
        content = self._packer.pack(outputs, decided)
        self._tally.add(rows)
        issued = self._issuer.issue(content, rows)
        if own and content and is_own_id(own):
            self._recorder.record(self._key, self._issuer.take(own, content, rows))
        if issued is None:
            return ""
        if issued.recorded is not None:
            self._recorder.record(self._key, issued.recorded)
        return issued.id
