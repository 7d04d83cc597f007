"""How much is captured of each model: files, bytes, and from when to when; by names alone."""

from dataclasses import dataclass
from pathlib import Path

from service.capture.layout import HOUR, files, models
from service.capture.merging import sized


@dataclass(frozen=True, slots=True)
class Usage:
    """What lies there of one model; `since` and `until` are hours, in milliseconds since 1970."""

    model: str
    files: int
    bytes: int
    since: int
    until: int


def usage(capture_dir: Path, model: str = "") -> list[Usage]:
    """That of each model of which there is anything, or of one."""
    found = []
    for name in [model] if model else models(capture_dir):
        there = sized(files(capture_dir / name))
        if there:
            hours = [one.file.hour for one in there]
            size = sum(one.size for one in there)
            span = min(hours) * HOUR, (max(hours) + 1) * HOUR
            found.append(Usage(name, len(there), size, *span))
    return found
