"""One file of the corpus and what a trustworthy loader does with it; and the corpus as it grows."""

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from tests.attacks.payload import Payloads

# refuse: refused with a typed reason; load: a good file, accepted;
# refuse_digest: not to be told from the file alone, but it isn't what was published;
# refuse_bounded: explodes only when run, so a budget or a limit must end it.
Expect = Literal["refuse", "load", "refuse_digest", "refuse_bounded"]

CLEAR = "refuse with a clear error"
MODELS, DATA = "models", "data"
KINDS = {".h5": "h5", ".keras": "keras", ".npz": "npz", ".csv": "csv", ".parquet": "parquet"}
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Case:
    """One case. Paths are relative to the corpus; `either` allows the other answer, too."""

    id: str
    family: str
    attacks: str
    must: str = CLEAR
    expect: Expect = "refuse"
    ref: str = ""
    file: str = ""
    kind: str = ""
    companion: str = ""
    payload: str = ""
    marker_path: str = ""
    checks: str = ""
    input: str = ""
    shape: tuple[int, ...] = ()
    either: bool = False
    original_sha256: str = ""
    bytes: int = 0
    sha256: str = ""

    @property
    def is_model(self) -> bool:
        """True for a model file, false for a data file."""
        return self.file.startswith(f"{MODELS}/")


@dataclass(slots=True)
class Corpus:
    """The folder that is being filled, and its cases."""

    out: Path
    cases: list[Case] = field(default_factory=list)

    def __post_init__(self) -> None:
        for folder in (self.models, self.data, self.canary, self.markers):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def models(self) -> Path:
        return self.out / MODELS

    @property
    def data(self) -> Path:
        return self.out / DATA

    @property
    def canary(self) -> Path:
        """What may not be read."""
        return self.out / "canary"

    @property
    def markers(self) -> Path:
        """What must stay empty."""
        return self.out / "markers"

    @property
    def payloads(self) -> Payloads:
        return Payloads(self.markers / "ran")

    def write(self, draft: Case, name: str, content: bytes | str) -> None:
        """Write a model file of this content and add its case."""
        data = content.encode() if isinstance(content, str) else content
        (self.models / name).write_bytes(data)
        self.add(draft, self.models / name)

    def add(self, draft: Case, path: Path) -> None:
        """Add the case of a file that is there; its kind follows from its name unless given."""
        assert draft.id not in {case.id for case in self.cases}, draft.id
        text = "json" if path.parent == self.models else "jsondata"
        kind = draft.kind or KINDS.get(path.suffix, text)
        case = replace(draft, file=str(path.relative_to(self.out)), kind=kind)
        if stat.S_ISREG(os.lstat(path).st_mode):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            case = replace(case, bytes=len(content), sha256=digest)
        self.cases.append(case)

    def write_manifest(self, seed: int) -> None:
        """Write down every case."""
        record = {"seed": seed, "cases": [asdict(case) for case in self.cases]}
        (self.out / MANIFEST).write_text(json.dumps(record, indent=1))


def read_manifest(corpus: Path) -> list[Case]:
    """The cases of a corpus that was written before."""
    record = json.loads((corpus / MANIFEST).read_text())
    return [Case(**{**case, "shape": tuple(case["shape"])}) for case in record["cases"]]
