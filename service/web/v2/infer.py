"""Inference requests: JSON alone, JSON with raw tensors behind it, or one raw tensor alone."""

import numpy as np

from service.base.errors import RequestInvalid
from service.base.signature import STRING, Tensors, TensorSpec
from service.repository.decisions import Decisions
from service.web.dense import NOT_PLAIN, Parsers
from service.web.exact import MAX_EXACT_BYTES
from service.web.exchange import SMALL_BODY_BYTES, Asked, Call, Facts, Reply
from service.web.tensors import check_values
from service.web.v2.answer import HEADER_NAME, write_reply
from service.web.v2.binary import read_tensor
from service.web.v2.compression import compress
from service.web.v2.fit import check_rows, fit_inputs, fit_outputs
from service.web.v2.json_data import (
    exact_tensor,
    open_quickly,
    parse_exactly,
    place,
    quick_tensors,
)
from service.web.v2.known import Header, Known, KnownVersions
from service.web.v2.raw import read_raw
from service.web.v2.request import Form, Request, read_request

HEADER_LENGTH = HEADER_NAME.lower().encode()
MAX_DIGITS = 10
MICROSECOND = 1e-6
SMALL_RAW_BYTES = 2 * 1024 * 1024


class Infer:
    """The translator for `infer`; it keeps parsers, and what follows from a version's facts."""

    wording = "v2"

    def __init__(self) -> None:
        self._parsers = Parsers()
        self._versions = KnownVersions()

    def is_small(self, call: Call, facts: Facts) -> bool:
        """True for short bodies, and for raw numbers, which aren't parsed at all."""
        size = len(call.body)
        if size <= SMALL_BODY_BYTES:
            return True
        header = call.headers.get(HEADER_LENGTH, b"")[:MAX_DIGITS]
        return (
            size <= SMALL_RAW_BYTES
            and header.isdigit()
            and int(header) <= SMALL_BODY_BYTES
            and self._versions.of(facts).has_raw_numbers
        )

    def decode(self, call: Call, facts: Facts) -> Asked:
        """Raises RequestInvalid, or Unsupported for shared memory."""
        known = self._versions.of(facts)
        length = _header_length(call)
        if length == 0:
            return _decode_raw(call.body, known)
        if length is None or length == len(call.body):
            request, asked = self._decode_json(call.body, known)
        else:
            request, asked = _decode_exactly(call.body, length, known)
        if request.timeout_us:
            call.hasten(request.timeout_us * MICROSECOND)
        return asked

    def encode(
        self,
        asked: Asked,
        facts: Facts,
        outputs: Tensors,
        decided: Decisions | None,
        prediction_id: str = "",
    ) -> Reply:
        """Raises RequestInvalid where an output can't be written as was asked."""
        shown = prediction_id if facts.extra_keys else ""
        return write_reply(asked.form, self._versions.of(facts), outputs, decided, shown)

    def finish(self, call: Call, reply: Reply) -> Reply:
        """Compressed, if the client asks for it."""
        return compress(call.headers, reply)

    def _decode_json(self, body: bytes, known: Known) -> tuple[Request, Asked]:
        if known.is_plain:
            quick = self._decode_quickly(body, known)
            if quick is not None:
                return quick
        return _decode_exactly(body, len(body), known)

    def _decode_quickly(self, body: bytes, known: Known) -> tuple[Request, Asked] | None:
        """Nothing, if there is anything in it but plain numbers in their proper shape.

        The parser goes back only when nothing holds the document any more; an error's traceback
        would hold it.
        """
        parser = self._parsers.take()
        try:
            found = _read_document(parser.parse(body), body, known)
        except NOT_PLAIN:
            return None
        self._parsers.give(parser, len(body))
        return found


def _read_document(document: object, body: bytes, known: Known) -> tuple[Request, Asked] | None:
    request = read_request(open_quickly(document))
    specs, rows = fit_inputs(request.inputs, known)
    form = Form(request.id, fit_outputs(request.outputs, request.is_binary, known))
    tensors = quick_tensors(body, request, specs)
    if tensors is None:
        return None
    inputs = {spec.name: tensor for spec, tensor in zip(specs, tensors, strict=True)}
    return request._replace(inputs=[]), Asked(inputs, rows, form, request.id)


def _decode_exactly(body: bytes, length: int, known: Known) -> tuple[Request, Asked]:
    """A header of `length` bytes in JSON, and behind it the data that it names, if any."""
    header = _read_header(body, length, known)
    allow_non_finite = known.facts.config.allow_non_finite
    inputs: Tensors = {}
    for number, (given, spec) in enumerate(zip(header.request.inputs, header.specs, strict=True)):
        if given.size is None:
            tensor = exact_tensor(given, spec, number, allow_non_finite)
        else:
            start = header.starts[number]
            tensor = read_tensor(body, start, given.size, spec, given.shape, known.model)
            _check(tensor, spec, place(number), allow_non_finite)
        inputs[spec.name] = tensor
    return header.request, Asked(inputs, header.rows, header.form, header.form.id)


def _read_header(body: bytes, length: int, known: Known) -> Header:
    if length == len(body):
        return _read_new_header(body, body, known)
    content = body[:length]
    header = known.recall(content)
    if header is not None and header.size == len(body):
        return header
    header = _read_new_header(content, body, known)
    if all(given.data is None for given in header.request.inputs):
        known.remember(content, header)
    return header


def _read_new_header(content: bytes, body: bytes, known: Known) -> Header:
    if known.is_plain and len(content) > MAX_EXACT_BYTES:
        raise RequestInvalid(
            "The request's JSON is not made of plain numbers in the shapes it names alone; up to "
            f"{MAX_EXACT_BYTES} bytes it would be told where. Send less, or binary data"
        )
    request = read_request(parse_exactly(content, known.facts.config.allow_non_finite))
    starts = _locate(request, len(content), len(body), known.model)
    specs, rows = fit_inputs(request.inputs, known)
    form = Form(request.id, fit_outputs(request.outputs, request.is_binary, known))
    return Header(request, specs, rows, form, starts, len(body))


def _decode_raw(body: bytes, known: Known) -> Asked:
    spec, tensor = read_raw(body, known)
    check_rows(len(tensor), known)
    _check(tensor, spec, spec.name, known.facts.config.allow_non_finite)
    return Asked({spec.name: tensor}, len(tensor), Form("", fit_outputs([], True, known)))


def _locate(request: Request, start: int, end: int, model: str) -> list[int]:
    """Where the data of each input begins. Raises RequestInvalid if they don't fill the body."""
    starts = []
    for given in request.inputs:
        starts.append(start)
        start += given.size or 0
        if start > end:
            raise RequestInvalid(
                f"unexpected size for input '{given.name[:100]}', expecting {start - end} "
                f"additional bytes for model '{model}'"
            )
    if start != end:
        raise RequestInvalid(f"unexpected additional input data for model '{model}'")
    return starts


def _check(tensor: np.ndarray, spec: TensorSpec, where: str, allow_non_finite: bool) -> None:
    if spec.dtype != STRING:
        check_values(tensor, spec, where, allow_non_finite)


def _header_length(call: Call) -> int | None:
    """How many bytes of the body are JSON; none if it is all of them."""
    given = call.headers.get(HEADER_LENGTH)
    if given is None:
        return None
    text = given.strip()
    shown = given[:40].decode("latin-1")
    if not text.removeprefix(b"-").isdigit():
        raise RequestInvalid(f"Unable to parse {HEADER_NAME}, got: {shown}")
    size = len(call.body)
    if not text.isdigit() or len(text) > MAX_DIGITS or int(text) > size:
        raise RequestInvalid(f"inference header size should be in range (0, {size}), got: {shown}")
    return int(text)
