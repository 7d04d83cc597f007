"""The settings of compiling: how files are opened, and what that may use."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

from service.base.job_settings import Positive, Seconds


def _split(value: Any) -> Any:
    """A list given as one text, as the command line and the environment give it."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class LoadingSettings(BaseSettings):
    """What compiling a version may use, and whose classes may be imported for it."""

    compile_jobs: Positive = Field(default=2, description="Versions compiled at the same time")
    compile_memory_mb: int = Field(
        default=8192, ge=1024, description="Address space of a compiling child process in MiB"
    )
    compile_cpu_s: Positive = Field(
        default=600, description="Processor time of a compiling child process"
    )
    compile_timeout_s: Seconds = Field(
        default=900, description="Wall time after which a compiling child process is killed"
    )
    warm_up_s: Seconds = Field(
        default=120, description="How long the first runs of a model may take while it is compiled"
    )
    custom_objects: Names = Field(
        default=(), description="Modules with custom classes, separated by commas"
    )
    custom_objects_path: Names = Field(
        default=(), description="Folders to import them from, separated by commas"
    )
