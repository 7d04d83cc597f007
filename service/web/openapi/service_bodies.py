"""Bodies of what belongs to no protocol: whether the service lives and whether it is ready."""

from typing import Literal

from pydantic import Field

from service.web.openapi.body import Body


class AliveAnswer(Body):
    """KServe's sign of life."""

    status: Literal["alive"]


class ReadinessAnswer(Body):
    """Whether everything that should be served is loaded, and what is waited for."""

    ready: bool
    waits_for: list[str] = Field(
        description="Names of models, or a step of the start; how many, where keys are asked for"
    )
