"""Which packages each image holds: pyproject's extras, followed through what is installed."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = "kerasd"
PYTHON = "3.11"  # of the images
TARGETS = ("serve", "full")  # of the Dockerfile


@dataclass(frozen=True, slots=True)
class Package:
    """One distribution at the version of the lock, with the names of those that it needs here."""

    name: str
    version: str
    needs: frozenset[str] = field(default_factory=frozenset)


class NotInstalled(Exception):
    """A package of a target isn't in this environment, or isn't in the lock."""


def packages(target: str) -> dict[str, Package]:
    """All packages of a target by their names, the project itself left out. Raises NotInstalled."""
    locked, found = lock(), dict[str, set[str]]()
    asked = dict[str, set[str]]()
    todo = list(_wanted(_project_requirements(target), set()))
    while todo:
        name, extras = todo.pop()
        if name in asked and extras <= asked[name]:
            continue
        asked[name] = asked.get(name, set()) | extras
        needs = list(_wanted(_requirements(name), asked[name]))
        found[name] = {needed for needed, _ in needs}
        todo += needs
    missing = sorted(found.keys() - locked.keys())
    if missing:
        raise NotInstalled(f"not in requirements.lock: {', '.join(missing)}")
    return {name: Package(name, locked[name], frozenset(found[name])) for name in sorted(found)}


def extras(target: str) -> list[str]:
    """The extras of pyproject that the Dockerfile installs into a target."""
    text = (ROOT / "Dockerfile").read_text()
    stages = re.findall(
        rf"^FROM \S+ AS {target}-packages$(.*?)^FROM ", text, re.DOTALL | re.MULTILINE
    )
    return sorted({extra for stage in stages for extra in re.findall(r"--extra[ =](\S+)", stage)})


def needed_by_project(target: str) -> list[str]:
    """What a target's extras ask for themselves."""
    return sorted({name for name, _ in _wanted(_project_requirements(target), set())})


def lock(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Version by name, of an environment or else of the images' Python."""
    text = (ROOT / "requirements.lock").read_text()
    wanted = (Requirement(line) for line in text.splitlines() if line.strip())
    of = dict(environment or images_environment())
    return {
        canonical(one.name): str(one.specifier).removeprefix("==")
        for one in wanted
        if one.marker is None or one.marker.evaluate(of)
    }


def images_environment() -> dict[str, str]:
    """What markers are told: this machine, with the Python of the images."""
    found = {key: str(value) for key, value in default_environment().items()}
    return {**found, "python_version": PYTHON, "python_full_version": f"{PYTHON}.0"}


def canonical(name: str) -> str:
    """A name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(name: str) -> Distribution:
    """The distribution in this environment. Raises NotInstalled."""
    try:
        return distribution(name)
    except ModuleNotFoundError as error:
        raise NotInstalled(f"{name} is not installed; run make install") from error


def _project_requirements(target: str) -> list[str]:
    project = _project()["project"]
    chosen = [project["optional-dependencies"][extra] for extra in extras(target)]
    return [line for lines in (project["dependencies"], *chosen) for line in lines]


def _requirements(name: str) -> list[str]:
    return installed(name).requires or []


def _wanted(lines: Iterable[str], extras_of_it: set[str]) -> Iterable[tuple[str, set[str]]]:
    """Those that hold on the images' Python, with the extras that are asked of them."""
    never = {canonical(Requirement(line).name) for line in _overridden()}
    environment = images_environment()
    for line in lines:
        one = Requirement(line)
        holds = one.marker is None or any(
            one.marker.evaluate({**environment, "extra": extra}) for extra in {"", *extras_of_it}
        )
        if holds and canonical(one.name) not in never:
            yield canonical(one.name), set(one.extras)


def _overridden() -> list[str]:
    """Packages that stand in the lock for none, as another provides the same modules."""
    overrides: list[str] = _project()["tool"]["uv"]["override-dependencies"]
    return overrides


def _project() -> dict[str, dict[str, dict[str, list[str]]]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
