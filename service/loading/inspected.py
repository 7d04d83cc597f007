"""The record of an inspection: what the files of a version are, and why they may not be served."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from service.base.refusals import ClassesMissing, FileBroken, FileUnsafe, ModelUnsupported
from service.base.signature import Signature
from service.base.strict_json import Json
from service.loading.upgrade.era import KERAS_3

Format = Literal["h5", "json+weights", "keras", "saved_model"]


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One line of the layer table; shapes have the batch axis first, `None` is free or unknown."""

    name: str
    kind: str
    shape: list[int | None] | None = None
    parameters: int | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """How the model was compiled for training, as its file tells it; serving needs none of it."""

    loss: str = ""
    metrics: tuple[str, ...] = ()
    optimizer: str = ""
    has_optimizer_state: bool = False


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a version is made of; `config` is its architecture as the file has it.

    `lambdas` carry code, `hazards` and `faults` can't be served by anybody, `unsupported` goes
    beyond what this service does, `custom_classes` must be registered by the operator.
    `signature` is known for SavedModels; for the others `inputs` and `outputs` are worked out
    from the configuration.
    """

    format: Format
    keras_version: str
    backend: str
    config: Json
    architecture_file: str
    weights_file: str
    era: str = ""
    layers: tuple[LayerSummary, ...] = ()
    inputs: Mapping[str, list[int | None]] = field(default_factory=dict)
    outputs: Mapping[str, list[int | None] | None] = field(default_factory=dict)
    parameters: int = 0
    largest_activation: int = 0
    training: Training = Training()
    rules: tuple[str, ...] = ()
    lambdas: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    custom_classes: tuple[str, ...] = ()
    odd_arguments: tuple[str, ...] = ()
    signature: Signature | None = None
    signature_name: str = ""

    @property
    def is_legacy(self) -> bool:
        """True for what Keras 1 or 2 wrote."""
        return self.era != KERAS_3 and self.format != "saved_model"

    def report(self) -> Json:
        """A plain record for people and programs, without the long configuration."""
        record = asdict(self)
        del record["config"]
        record["signature"] = None if self.signature is None else self.signature.as_json()
        return record

    def refuse_if_unsafe(self, vouched_sha256: str = "", file_sha256: str = "") -> None:
        """Raise FileUnsafe, FileBroken or ModelUnsupported unless the file may be built.

        A Lambda passes only where the operator vouches for the architecture file by its sha256.
        """
        is_vouched = bool(vouched_sha256) and vouched_sha256 == file_sha256
        if self.hazards or (self.lambdas and not is_vouched):
            raise FileUnsafe(self.architecture_file, _few([*self.lambdas, *self.hazards]))
        if self.faults:
            raise FileBroken(self.architecture_file, "; ".join(_few(self.faults)))
        if self.unsupported:
            raise ModelUnsupported(self.architecture_file, "; ".join(self.unsupported))

    def refuse_if_unregistered(self, missing: Iterable[str]) -> None:
        """Raise ClassesMissing that names all classes which nobody has registered."""
        names = sorted(missing)
        if not names:
            return
        odd = [text for text in self.odd_arguments if any(name in text for name in names)]
        raise ClassesMissing(self.architecture_file, names, _few(odd))


def _few(texts: Iterable[str], most: int = 5) -> list[str]:
    listed = list(texts)
    more = [f"and {len(listed) - most} more"] if len(listed) > most else []
    return listed[:most] + more
