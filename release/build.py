"""`python -m release.build dist`: every file of a release, out of what is committed, nothing else.

The same commit gives the same bytes, whenever and wherever it is built: times are the commit's, and
what builds is pinned in release/requirements.lock.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import yaml

from release.archive import files_below, write_archive
from release.contents import contents
from release.context import sources
from release.targets import PROJECT, ROOT, TARGETS
from service import __version__

TOOLS = ROOT / ".release" / "bin" / "python"
CHART = "deploy/helm/kerasd"
SUMS = "SHA256SUMS"


def build(target: Path, tools: Path = TOOLS) -> list[Path]:
    """Write all files of a release into a folder, which holds nothing else afterwards."""
    changed = _run(["git", "status", "--porcelain", "--untracked-files=no"], ROOT)
    if changed:
        raise SystemExit(f"the release is made of the last commit; commit first:\n{changed}")
    when = committed_at()
    with tempfile.TemporaryDirectory(prefix="kerasd-release-") as scratch:
        source, made = Path(scratch) / "source", Path(scratch) / "made"
        made.mkdir()
        export(source)
        build_packages(source, made, when, tools)
        named = f"{PROJECT}-{__version__}"
        stamp(source / "Dockerfile", when)
        context = files_below(source, *sources(source))
        write_archive(made / f"{named}-images.tar.gz", source, context, "", when)
        write_chart(source / CHART, made, when)
        for image in TARGETS:
            write_bom(image, made / f"{named}-{image}.cdx.json", when, tools)
        shutil.copyfile(source / "docs" / "licences.md", made / f"{named}-licences.md")
        sums(made)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target)
    return sorted(target.iterdir())


def committed_at() -> int:
    """When the last commit was made: the time of all that is built from it."""
    return int(_run(["git", "log", "-1", "--format=%ct"], ROOT))


def export(target: Path) -> None:
    """The files of the last commit; what isn't committed is in no release."""
    target.mkdir()
    packed = target.with_suffix(".tar")
    _run(["git", "archive", "--format=tar", f"--output={packed}", "HEAD"], ROOT)
    with tarfile.open(packed) as archive:
        archive.extractall(target, filter="data")


def build_packages(source: Path, target: Path, when: int, tools: Path = TOOLS) -> None:
    """Build the sdist, and the wheel from it, without a network: the builder is there already."""
    command: list[str | Path] = [
        tools,
        "-m",
        "hatchling",
        "build",
        "--directory",
        target,
        "--target",
    ]
    _run([*command, "sdist"], source, when)
    unpacked = target.parent / "sdist"
    with tarfile.open(next(target.glob("*.tar.gz"))) as archive:
        archive.extractall(unpacked, filter="data")
    _run([*command, "wheel"], next(unpacked.iterdir()), when)
    shutil.rmtree(unpacked)


def stamp(dockerfile: Path, when: int) -> None:
    """Have labels tell what an image is made of where nobody gives arguments: in a piped build."""
    told = {
        "VERSION": __version__,
        "REVISION": _run(["git", "rev-parse", "HEAD"], ROOT).strip(),
        "CREATED": datetime.fromtimestamp(when, UTC).isoformat().replace("+00:00", "Z"),
    }
    text = dockerfile.read_text()
    for name, value in told.items():
        text = re.sub(rf"^ARG {name}=.*$", f"ARG {name}={value}", text, flags=re.MULTILINE)
    dockerfile.write_text(text)


def write_chart(chart: Path, target: Path, when: int) -> None:
    """Pack the chart under the name that Helm gives it, without the folders that it leaves out."""
    version = yaml.safe_load((chart / "Chart.yaml").read_text())["version"]
    ignored = (chart / ".helmignore").read_text().splitlines()
    names = (path.name for path in chart.iterdir() if f"{path.name}/" not in ignored)
    files = files_below(chart, *names)
    write_archive(target / f"{PROJECT}-{version}.tgz", chart, files, PROJECT, when)


def write_bom(image: str, target: Path, when: int, tools: Path = TOOLS) -> None:
    """Write the CycloneDX document of a target's Python, held against the schema."""
    told = json.dumps(contents(image, when))
    _run([tools, "-m", "release.bom", "make", target], ROOT, given=told)


def sums(folder: Path) -> None:
    """Write the sha256 of each file, as `sha256sum --check` reads it."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != SUMS
    ]
    (folder / SUMS).write_text("".join(lines))


def _run(command: list[str | Path], where: Path, when: int = 0, given: str = "") -> str:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(when)}
    words = [str(word) for word in command]
    ran = subprocess.run(
        words, cwd=where, env=environment, input=given, capture_output=True, text=True
    )
    if ran.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def main(words: list[str]) -> int:
    """Build into the folder that is given, and list it."""
    for path in build(Path(words[0]).absolute(), *(Path(word).absolute() for word in words[1:])):
        print(f"{path.stat().st_size:>12,}  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
