"""Gives the answers of one version their receipts, and has recorded what isn't inside of them.

Where the inputs of a model are captured, it hands them over with the id that labels come by.
"""

from service.base.signature import Tensors
from service.capture.tap import Tap
from service.quality.receipt import Issuer, is_own_id
from service.repository.decisions import Decided, Decisions
from service.web.exchange import Asked
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
        tap: Tap,
    ) -> None:
        self._tap = tap
        self._key = key
        self._issuer = issuer
        self._packer = packer
        self._recorder = recorder

    def receive(
        self,
        asked: Asked,
        outputs: Tensors,
        decided: Decisions | None,
        own: str,
        is_labelled: bool = False,
    ) -> str:
        """The receipt of an answer, or an empty text as long as there is no key.

        `own` is what the client calls the request; where that may be an id, the answer is kept
        under it too. With `is_labelled` its label is known already: if any inputs of the model are
        captured, these are.
        """
        rows = asked.rows
        content = self._packer.pack(outputs, decided)
        issued = self._issuer.issue(content, rows)
        named = None
        if own and content and is_own_id(own):
            named = self._issuer.take(own, content, rows, None if issued is None else issued.at)
            self._recorder.record(self._key, named)
        if issued is None:
            return ""
        if issued.recorded is not None:
            self._recorder.record(self._key, issued.recorded)
        if self._tap.is_on and content and (is_labelled or self._tap.takes(issued.tag)):
            self._capture(
                asked, decided, (issued.tag, b"" if named is None else named.id, issued.at)
            )
        return issued.id

    def _capture(
        self, asked: Asked, decided: Decisions | None, ids: tuple[bytes, bytes, int]
    ) -> None:
        if isinstance(decided, Decided):
            self._tap.take(ids, asked.inputs, (decided.class_index, decided.score))
        else:
            self._tap.take(ids, asked.inputs, (None, None))
