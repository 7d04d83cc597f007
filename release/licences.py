"""The list of what each image's Python holds, and under which licence: docs/licences.md."""

import re
import sys
from importlib.metadata import Distribution
from pathlib import Path

from release.allowed import PERMISSIVE, SPECIAL, refusal
from release.spdx import READ, expression
from release.targets import TARGETS, NotInstalled, Package, installed, packages

SHARED = re.compile(r"[^/]+\.libs/(lib[^/]+?)(-[0-9a-f]{8})*\.so[.0-9]*$")
NOTICES = re.compile(r"(?i)(third.?party.?notices|notice)(\.txt)?$")

HEAD = """\
# Licences

What the Python of each image holds, by name and version of `requirements.lock`, and under which
licence. `make licences` writes this page out of what the packages say of themselves, and fails
where a licence is not known or not among those that are allowed; a test holds the page to it.
kerasd itself is Apache-2.0.

Debian's packages of the base image, and Python itself, are in the
[SBOM of the image](releases.md#sbom).
"""


def refusals() -> list[str]:
    """Packages of any target whose licence isn't allowed or known, each with the reason."""
    names = {name for target in TARGETS for name in packages(target)}
    reasons = {name: refusal(expression(installed(name))) for name in sorted(names)}
    return [f"{name}: {why}" for name, why in reasons.items() if why]


def page() -> str:
    """The whole text."""
    serve, full = packages("serve"), packages("full")
    more = {name: package for name, package in full.items() if name not in serve}
    lines = [HEAD, "## Both images\n", *_table(serve), "", "## Only in `full`\n", *_table(more), ""]
    lines += ["## What is allowed\n", _permissive(), "", *_special(), ""]
    lines += [_carried_head(), *_carried(full), ""]
    return "\n".join(lines)


def _table(shown: dict[str, Package]) -> list[str]:
    rows = [
        f"| {name} | {package.version} | {expression(installed(name))} |"
        for name, package in shown.items()
    ]
    return ["| package | version | licence |", "|---|---|---|", *rows]


def _permissive() -> str:
    return (
        f"{', '.join(sorted(PERMISSIVE))}.\n\nEach of them asks for its notice, which lies in the "
        "image beside the package (`*.dist-info`). Of\nalternatives (`OR`) one has to be allowed, "
        "of parts (`AND`) all.\n"
    )


def _special() -> list[str]:
    rows = [f"| {licence} | {why} |" for licence, why in sorted(SPECIAL.items())]
    return ["| special | why it may be in an image |", "|---|---|", *rows]


def _carried_head() -> str:
    read = ", ".join(sorted(READ))
    return f"""\
Read in their files, as their metadata say nothing, too little or something else:
{read}.

## What wheels carry

Libraries of others that lie inside a package, as far as its own files tell. Their licences are in
the files named, or in the licence text of the package. numpy's says that `libgfortran` and
`libquadmath` are under the GPL with the exception for GCC's run-time libraries.

| package | shared libraries | notices |
|---|---|---|"""


def _carried(shown: dict[str, Package]) -> list[str]:
    rows = []
    for name in shown:
        libraries, notices = carried(installed(name))
        if libraries or notices:
            rows.append(f"| {name} | {', '.join(libraries)} | {', '.join(notices)} |")
    return rows


def carried(package: Distribution) -> tuple[list[str], list[str]]:
    """Shared libraries that were put beside a package's own, and its files of notices."""
    files = [str(path) for path in package.files or []]
    libraries = {match[1] for path in files if (match := SHARED.search(path))}
    notices = [path for path in files if NOTICES.search(path.rsplit("/", 1)[-1])]
    return sorted(libraries), sorted(notices)


def main(words: list[str]) -> int:
    """Write the page to the path that is given; 1 if there is something that mustn't be there."""
    try:
        wrong = refusals()
        text = page()
    except NotInstalled as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(wrong) or "every licence is known and allowed")
    Path(words[0]).write_text(text) if words else None
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
