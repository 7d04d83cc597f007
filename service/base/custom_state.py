"""A fingerprint of the operator's custom modules, found and read but never imported.

It is part of a compiled version's key: changed classes are compiled anew.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from service.base.load_options import ENTRY_POINTS, LoadOptions
from service.base.settings import Settings


def custom_options(settings: Settings) -> LoadOptions:
    """What the settings say of custom classes, with a fingerprint of the modules as they are."""
    return LoadOptions(
        custom_objects=settings.custom_objects,
        custom_objects_path=settings.custom_objects_path,
        custom_state=fingerprint(settings.custom_objects, settings.custom_objects_path),
    )


def fingerprint(modules: Sequence[str], paths: Sequence[str]) -> str:
    """A digest over the modules' sources and the registered entry points; empty if there are none.

    Taken once, when a process starts.
    """
    parts = [f"{entry.name}={entry.value} {_version(entry.dist)}" for entry in _entries()]
    for name in modules:
        digest = hashlib.sha256()
        for source in _sources(name, paths):
            digest.update(source.read_bytes())
        parts.append(f"{name} {digest.hexdigest()}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest() if parts else ""


def _entries() -> list[EntryPoint]:
    return sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: (entry.name, entry.value))


def _version(dist: object) -> str:
    return str(getattr(dist, "version", ""))


def _sources(name: str, paths: Sequence[str]) -> Iterator[Path]:
    """The Python files of a module, or of the package that it is; nothing is imported."""
    search: list[str] | None = [*paths, *sys.path]
    spec: ModuleSpec | None = None
    qualified = ""
    for part in name.split("."):
        qualified = f"{qualified}.{part}" if qualified else part
        spec = PathFinder.find_spec(qualified, search)
        if spec is None:
            return
        search = list(spec.submodule_search_locations or [])
    if search:
        for folder in search:
            yield from sorted(Path(folder).rglob("*.py"))
    elif spec is not None and spec.origin and Path(spec.origin).is_file():
        yield Path(spec.origin)
