"""The narrow waist between protocols and predictions: what is asked, and what is answered.

A protocol translates: its `decode` turns a call into tensors, its `encode` turns tensors into a
reply. Leasing, running, deciding and counting are the same for all and happen in between.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from service.base.signature import Signature, Tensors
from service.repository.decisions import Decisions
from service.repository.model_config import ModelConfig
from service.runtime.directions import Split
from service.web.agreement import Given
from service.web.answers import JSON
from service.web.canary import is_chosen, key_of
from service.web.paths import PredictPath
from service.web.spans import RequestSpan

SMALL_BODY_BYTES = 64 * 1024
PREDICTION_ID = "prediction_id"
Headers = Mapping[bytes, bytes]
Copied = Callable[[Tensors, Given], None]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which version this is: name, number, key of its compiled folder, and how it was opened.

    `engine` built it and `runtime` runs it; `notes` tell what its files needed for that.
    """

    model: str
    version: int
    artefact: str
    format: str = ""
    keras_version: str = ""
    engine: str = ""
    runtime: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a protocol must know of the version that answers.

    `decides` is true where each instance is of one class, `chooses` where it may have several
    labels, neither where there are no decisions. `max_rows` is the limit of one request;
    `extra_keys` allows more in an answer than the protocol names.
    """

    identity: Identity
    signature: Signature
    config: ModelConfig
    decides: bool
    max_rows: int
    extra_keys: bool = True
    chooses: bool = False


@dataclass(slots=True)
class Call:
    """One prediction request: its path, its headers with lower-case names, its inflated body.

    The body is empty until the model is there. `deadline` is a time of `time.monotonic`; a
    protocol whose body asks for less time makes it earlier while it decodes. `split` is set by
    `picks`, `copied` where a shadow version is to see the request and its answer as well.
    `span` is there where traces are sent. `is_labelled` says that the true labels are known.
    """

    path: PredictPath
    headers: Headers
    body: bytes
    deadline: float
    split: Split | None = None
    copied: Copied | None = None
    span: RequestSpan | None = None
    is_labelled: bool = False

    def picks(self, split: Split) -> bool:
        """Whether a canary gets it; asked of requests that name no version."""
        self.split = split
        return is_chosen(split, self.path.model, key_of(split, self.headers))

    def hasten(self, within_s: float) -> None:
        """Make the deadline earlier, never later."""
        self.deadline = min(self.deadline, time.monotonic() + within_s)


@dataclass(frozen=True, slots=True)
class Asked:
    """Inputs that fit the signature; `form` is what the protocol needs again to answer.

    `name` is what the client calls its request in the body, if it does.
    """

    inputs: Tensors
    rows: int
    form: Any
    name: str = ""


@dataclass(slots=True)
class Reply:
    """A whole answer with status 200. It isn't frozen, as that makes it three times as dear."""

    content: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Translator(Protocol):
    """One verb of one protocol; safe in any thread. `wording` is that of its ModelNotFound."""

    wording: str

    def is_small(self, call: Call, facts: Facts) -> bool:
        """True for a body that is decoded in no time."""
        ...

    def decode(self, call: Call, facts: Facts) -> Asked:
        """The tensors asked about. Raises RequestInvalid."""
        ...

    def encode(
        self,
        asked: Asked,
        facts: Facts,
        outputs: Tensors,
        decided: Decisions | None,
        prediction_id: str = "",
    ) -> Reply:
        """The answer; the id stands in it where there is one and extra keys are wanted.

        Raises RequestInvalid where outputs can't be written as was asked.
        """
        ...

    def finish(self, call: Call, reply: Reply) -> Reply:
        """The answer as it is sent: compressed, in a protocol that does that."""
        ...


class V1Body:
    """What all verbs of version 1 have in common: JSON bodies, answers that aren't compressed."""

    wording = "predict"

    def is_small(self, call: Call, _facts: Facts) -> bool:
        """True up to a size that is parsed in a fraction of a millisecond."""
        return len(call.body) <= SMALL_BODY_BYTES

    def finish(self, _call: Call, reply: Reply) -> Reply:
        """As it is."""
        return reply
