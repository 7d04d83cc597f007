"""What the protocol needs of a version again and again, worked out once."""

from dataclasses import dataclass, field
from typing import NamedTuple

from service.base.signature import STRING, TensorSpec
from service.web.dense import QUICK_DTYPES
from service.web.exchange import Facts
from service.web.v2.datatypes import V2_OF
from service.web.v2.decided import decision_roles, decision_specs
from service.web.v2.request import Form, Request

MAX_VERSIONS = 256
MAX_HEADERS = 16  # of one version
MAX_HEADER_BYTES = 1024


class Header(NamedTuple):
    """The JSON in front of raw tensors, read and held against the version.

    `starts` tells where in the body each input's data begin; the body must be `size` bytes long.
    """

    request: Request
    specs: list[TensorSpec]
    rows: int
    form: Form
    starts: list[int]
    size: int


@dataclass(frozen=True, slots=True)
class Known:
    """A version's names and datatypes; outputs are the model's own, then its decisions.

    `decisions` tells which output is which of them.
    """

    facts: Facts
    model: str
    version: str
    inputs: dict[str, tuple[TensorSpec, str]]
    outputs: dict[str, str]
    decisions: dict[str, str]
    is_plain: bool
    _headers: dict[bytes, Header] = field(default_factory=dict)

    @property
    def has_raw_numbers(self) -> bool:
        """True if no input is made of texts, which are read one by one."""
        return all(spec.dtype != STRING for spec, _ in self.inputs.values())

    def recall(self, content: bytes) -> Header | None:
        """A header that has come before: clients send the same one with ever other data."""
        return self._headers.get(content)

    def remember(self, content: bytes, header: Header) -> None:
        """Keep one for `recall`, if it is short; there is room for a few."""
        if len(content) <= MAX_HEADER_BYTES:
            if len(self._headers) >= MAX_HEADERS:
                self._headers.clear()
            self._headers[content] = header


class KnownVersions:
    """Keeps what is known of the last few versions; safe in any thread."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}

    def of(self, facts: Facts) -> Known:
        """What is known of this version."""
        known = self._known.get(id(facts))
        if known is None or known.facts is not facts:
            if len(self._known) >= MAX_VERSIONS:
                self._known.clear()
            known = self._known[id(facts)] = know(facts)
        return known


def know(facts: Facts) -> Known:
    """Work it out."""
    specs = (*facts.signature.outputs, *decision_specs(facts))
    return Known(
        facts=facts,
        model=facts.identity.model,
        version=str(facts.identity.version),
        inputs={spec.name: (spec, V2_OF[spec.dtype]) for spec in facts.signature.inputs},
        outputs={spec.name: V2_OF[spec.dtype] for spec in specs},
        decisions=decision_roles(facts),
        is_plain=all(spec.dtype in QUICK_DTYPES for spec in facts.signature.inputs),
    )
