"""Bodies of what operators ask for: changes of models, their audit, and how versions differ.

What is sent is described by the very models that it is read with; see `service.web.admin.bodies`.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from service.web.openapi.body import Body

Number = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Record = dict[str, Any]


class SwapAnswer(Body):
    """Another version is the current one, in every worker."""

    model: str
    version: Number
    previous: Number | None = Field(description="The version that was current before")
    revision: Count
    took_ms: Count


class RouteAnswer(Body):
    """Where the model's requests go now; every worker follows it."""

    model: str
    revision: Count = Field(description="Raised by each change")
    current: Number | None
    is_pinned: bool = Field(description="Promoted or rolled back: the version policy waits")
    is_unloaded: bool
    previous: list[Number] = Field(description="What was current before, the latest first")
    labels: dict[str, Number] = Field(description="What each label stands for")
    canary: "CanaryRecord | None"
    shadow: "ShadowRecord | None"
    retired: list[Number] = Field(description="Not served, though their files are there")
    took_ms: Count | None = Field(None, description="How long a change took")


class CanaryRecord(Body):
    """A share of the requests that name no version, and what it has come to."""

    label: str
    percent: float
    header: str
    version: Number | None = Field(description="None while its version isn't loaded")
    figures: list[Record] | None = None


class ShadowRecord(Body):
    """A version that sees copies, and how far it agrees with the answers."""

    label: str
    version: Number | None
    figures: list[Record] | None = None


class RetiredAnswer(Body):
    """What was retired, or would be, and why the others stay."""

    model: str
    retired: list[Number]
    deleted: list[Number]
    kept: list["KeptVersion"]
    dry_run: bool


class KeptVersion(Body):
    """A version that stays."""

    version: Number
    reason: str


class UploadedFile(Body):
    """One file of a version."""

    sha256: str


class UploadAnswer(Body):
    """The version that the files are; the same files again are no new one."""

    model: str
    version: Number
    state: str
    sha256: str = Field(description="Of all its files together")
    files: dict[str, UploadedFile]


class DeletedAnswer(Body):
    """A version that is gone, with its files."""

    model: str
    version: Number
    deleted: Literal[True]


class ChangeRecord(Body):
    """One change: who, what, from, to, why."""

    id: Count
    at: str = Field(description="ISO 8601")
    model: str
    action: str
    who: str
    why: str
    request_id: str
    before: Record
    after: Record


class AuditAnswer(Body):
    """Changes, the latest first."""

    changes: list[ChangeRecord]


class DiffAnswer(Body):
    """Two versions, and the places where they differ, such as `signature.outputs[0].shape`."""

    model: str
    old: Record = Field(alias="from")
    new: Record = Field(alias="to")
    differs: list[str]


class WorkerVersion(Body):
    """One version in one worker."""

    worker: str
    state: Literal["LOADED", "LOADING", "COLD", "RETRYING", "FAILED"]
    reason: str
