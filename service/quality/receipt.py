"""The receipt of a prediction: a text that says what was answered, and that nobody else can make.

    r1-<key>-<the record and its tag in base64url, without padding>

`key` names the key in 8 hexadecimal digits. The record, numbers big-endian:

    1 byte    kind of the answers (`predicted.py`), and 16 if the rows are recorded, not inside
    8         fingerprint of repository and model, made with the key
    varint    version
    varint    width of the answers
    6         time in milliseconds since 1970
    6         a count that begins at random, so that no two predictions have the same receipt
    ...       the rows; or, where they are recorded, a varint of how many there are
    16        tag: keyed BLAKE2b over the text before the record and the record

A varint has 7 bits a byte, the lowest first, the highest bit set in all bytes but the last.

Nothing of a record is looked at before its tag was found right. A text is read only if it is the
one text of its bytes, so that a receipt can't be written in two ways. The model's name isn't
inside, as it may have 128 letters: its fingerprint is bound to the key, so that nobody can search
for a name with the same one, and 8 bytes are enough. The tag serves as the prediction's id.
"""

import binascii
import hashlib
import hmac
import itertools
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.quality.outcomes import Outcome
from service.quality.predicted import Prediction, Shape, shape_of
from service.quality.receipt_keys import FINGERPRINT_BYTES, TAG_BYTES, ReceiptKeys, Signer

MAX_ROW_BYTES = 96  # inside: 32 rows of a model with up to 256 classes
RECORDED = 16
SALT_BYTES = 6
SALTS = 256**SALT_BYTES
TIME_BYTES = 6
MAX_CHARACTERS = 200
RECEIPT = re.compile(r"r1-([0-9a-f]{8})-([A-Za-z0-9_-]{50,})")
OWN_ID = re.compile(r"(?!r\d+-)[!-.0-~]{1,128}")
TO_URL, FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


@dataclass(slots=True)
class Issued:
    """A receipt with the prediction's id and time inside of it.

    `recorded` is what has to be kept for it, as its rows aren't inside.
    """

    id: str
    tag: bytes
    at: int
    recorded: Prediction | None = None


@dataclass(slots=True)
class ReadReceipt:
    """A receipt that one of our keys has signed; `signer` can tell whose model it is."""

    signer: Signer
    fingerprint: bytes
    prediction: Prediction


class Receipts:
    """Issues and reads the receipts of one repository."""

    def __init__(
        self, keys: ReceiptKeys, repository: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._repository = repository
        self._clock = clock

    def issuer(self, model: str, version: int, shape: Shape) -> "Issuer":
        """What issues the receipts of one loaded version."""
        return Issuer(self._keys, (self._repository, model), version, shape, self._clock)

    def read(self, text: str) -> ReadReceipt | Outcome:
        """The receipt, or why it is none: MALFORMED, UNKNOWN_KEY, FORGED."""
        match = RECEIPT.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
        sealed = _decode(match[2]) if match else None
        if match is None or sealed is None:
            return Outcome.MALFORMED
        signer = self._keys.find(match[1])
        if signer is None:
            return Outcome.UNKNOWN_KEY
        record, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
        if not hmac.compare_digest(signer.tag(record), tag):
            return Outcome.FORGED
        return ReadReceipt(signer, record[1 : 1 + FINGERPRINT_BYTES], _prediction(record, tag))

    def is_of(self, receipt: ReadReceipt, model: str) -> bool:
        """Whether a model of this repository gave it."""
        return receipt.fingerprint == receipt.signer.fingerprint(self._repository, model)

    def own_id(self, model: str, text: str) -> bytes:
        """What a client's own id for a prediction of a model is kept as."""
        return own_id(self._repository, model, text)


class Issuer:
    """Issues the receipts of one version; quick enough for the event loop, and safe in threads."""

    def __init__(
        self,
        keys: ReceiptKeys,
        subject: tuple[str, str],
        version: int,
        shape: Shape,
        clock: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._subject = subject
        self._version = version
        self._shape = shape
        self._clock = clock
        self._salts = itertools.count(int.from_bytes(os.urandom(SALT_BYTES)))
        self._made: tuple[Signer, bytes, bytes] | None = None

    def issue(self, content: bytes, rows: int) -> Issued | None:
        """The receipt of a prediction with these rows; none as long as there is no key."""
        now = self._clock()
        signer = self._keys.signer(now)
        if signer is None:
            return None
        made = self._made
        if made is None or made[0] is not signer:
            made = self._make(signer)
        at = int(now * 1000)
        # Asking the kernel for salt each time would cost as much as the rest.
        moment = (at * SALTS + next(self._salts) % SALTS).to_bytes(TIME_BYTES + SALT_BYTES, "big")
        if content and len(content) <= MAX_ROW_BYTES:
            return Issued(*_seal(signer, made[1] + moment + content), at)
        text, tag = _seal(signer, made[2] + moment + _varint(rows))
        kept = Prediction(tag, self._version, at, self._shape, rows, content)
        return Issued(text, tag, at, kept if content else None)

    def take(self, own: str, content: bytes, rows: int, at: int | None = None) -> Prediction:
        """What has to be kept of a prediction to which the client gave an id of its own.

        `at` is the time that its receipt has, if there is one.
        """
        name = own_id(*self._subject, own)
        at = int(self._clock() * 1000) if at is None else at
        return Prediction(name, self._version, at, self._shape, rows, content)

    def _make(self, signer: Signer) -> tuple[Signer, bytes, bytes]:
        """What all records by one key begin with: rows inside, and rows recorded."""
        rest = (
            signer.fingerprint(*self._subject) + _varint(self._version) + _varint(self._shape.width)
        )
        kind = int(self._shape.kind)
        self._made = made = (signer, bytes([kind]) + rest, bytes([kind | RECORDED]) + rest)
        return made


def is_own_id(text: str) -> bool:
    """Whether a client may call a prediction so: printable ASCII without spaces and `/`."""
    return OWN_ID.fullmatch(text) is not None


def own_id(repository: str, model: str, text: str) -> bytes:
    """The 16 bytes under which a client's own id is kept."""
    subject = "\0".join((repository, model, text)).encode()
    return hashlib.blake2b(subject, digest_size=TAG_BYTES, person=b"kerasd own id").digest()


def _seal(signer: Signer, record: bytes) -> tuple[str, bytes]:
    tag = signer.tag(record)
    return signer.prefix + _encode(record + tag), tag


def _encode(sealed: bytes) -> str:
    return binascii.b2a_base64(sealed, newline=False).translate(TO_URL, b"=").decode()


def _decode(text: str) -> bytes | None:
    """The bytes, if this is the one text of them."""
    try:
        padded = text.encode().translate(FROM_URL) + b"=" * (-len(text) % 4)
        sealed = binascii.a2b_base64(padded)
    except binascii.Error:
        return None
    return sealed if _encode(sealed) == text else None


def _prediction(record: bytes, tag: bytes) -> Prediction:
    """What a record says; it is one of ours, as its tag was right."""
    version, place = _read_varint(record, 1 + FINGERPRINT_BYTES)
    width, place = _read_varint(record, place)
    at = int.from_bytes(record[place : place + TIME_BYTES], "big")
    place += TIME_BYTES + SALT_BYTES
    shape = shape_of(record[0] & ~RECORDED, width)
    if record[0] & RECORDED:
        rows, _ = _read_varint(record, place)
        return Prediction(tag, version, at, shape, rows, None)
    content = record[place:]
    return Prediction(tag, version, at, shape, len(content) // shape.row_bytes, content)


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """The number, and the place after it."""
    number = shift = 0
    while data[place] & 0x80:
        number |= (data[place] & 0x7F) << shift
        shift += 7
        place += 1
    return number | data[place] << shift, place + 1
