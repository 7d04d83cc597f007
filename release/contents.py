"""What a target's Python holds as JSON, for `release.bom`."""

from typing import Any

from release.spdx import expression
from release.targets import PROJECT, installed, needed_by_project, packages
from service import __version__


def contents(target: str, when: int) -> dict[str, Any]:
    """The project, and each package with its version, licence and what it needs."""
    return {
        "description": f"The Python packages of the image {target}",
        "when": when,
        "project": {
            "name": PROJECT,
            "version": __version__,
            "licence": "Apache-2.0",
            "needs": needed_by_project(target),
        },
        "packages": [
            {
                "name": name,
                "version": package.version,
                "licence": expression(installed(name)),
                "needs": sorted(package.needs),
            }
            for name, package in packages(target).items()
        ],
    }
