"""What each image holds, as an SBOM: every package of its Python and of Debian, and no other."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from release.build import TOOLS
from release.image import ScanFailed, write_image_bom
from release.targets import ROOT, canonical, packages
from service import __version__
from tests.images.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.image]

PRUNED = "libclang"  # docker/prune.sh takes it out, more or less: nothing loads it
BASE = {"libc6", "base-files", "debian-archive-keyring", "libssl3", "zlib1g"}
OURS = re.compile(r"/opt/kerasd/lib/python[.\d]+/site-packages/[^/]+\.dist-info/")
VENDORED = "setuptools"  # tensorboard needs it; it carries copies of others' packages
LONGEST_S = 240.0

Components = dict[str, dict[str, str]]  # by kind of package: version by name


@pytest.fixture(scope="module", params=["serve", "full"])
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sbom(target: str, engine: Engine, images: dict[str, str]) -> Path:
    """It stays where a release's files are: of these images there is no other."""
    path = ROOT / "dist" / f"kerasd-{__version__}-{target}-image.cdx.json"
    path.parent.mkdir(exist_ok=True)
    began = time.monotonic()
    write_image_bom(images[target], path, engine.host)
    took_s = time.monotonic() - began
    print(f"SBOM of {target}: {took_s:.0f} s, {path.stat().st_size / 1024:.0f} KiB")
    assert took_s < LONGEST_S
    return path


@pytest.fixture(scope="module")
def components(sbom: Path) -> Components:
    found: Components = {"pypi": {}, "deb": {}, "elsewhere": {}}
    listed: list[dict[str, Any]] = json.loads(sbom.read_text())["components"]
    for one in listed:
        kind = one.get("purl", "").removeprefix("pkg:").split("/")[0]
        told = {each["name"]: each["value"] for each in one.get("properties", [])}
        if kind == "pypi" and not OURS.match(told["syft:location:0:path"]):
            kind = "elsewhere"
        name = one["name"] if kind == "deb" else canonical(one["name"])
        found.setdefault(kind, {})[name] = one["version"]
    return found


def test_it_is_valid_by_the_schema(sbom: Path) -> None:
    ran = subprocess.run(
        [TOOLS, "-m", "release.bom", "check", sbom], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_python_has_what_the_lock_says_and_no_more(target: str, components: Components) -> None:
    expected = {name: one.version for name, one in packages(target).items()}
    found = {PRUNED: expected.get(PRUNED, ""), **components["pypi"]}
    assert found == {PRUNED: "", **expected, "kerasd": __version__}
    others = components["elsewhere"].keys() - {"pip", "setuptools", "wheel"}  # of the base image
    assert not others or VENDORED in expected


def test_debian_has_the_packages_of_the_base(components: Components) -> None:
    assert components["deb"].keys() >= BASE
    assert not {"gcc", "g++", "make", "libc6-dev"} & components["deb"].keys()


def test_the_image_that_serves_has_no_tensorflow(target: str, components: Components) -> None:
    heavy = {"tensorflow", "tensorflow-cpu", "keras", "tf-keras"}
    assert bool(heavy & components["pypi"].keys()) == (target == "full")


def test_each_notice_lies_beside_its_package(
    target: str, engine: Engine, images: dict[str, str]
) -> None:
    """Allowed is what asks for its notice, so it has to be there."""
    listed = engine.run_once("--entrypoint", "python", images[target], "-c", LIST_NOTICES)
    without = {canonical(name) for name in listed.split()}
    assert without <= SAY_IT_IN_METADATA_ONLY


# Their wheels carry no licence file: the metadata name it.
SAY_IT_IN_METADATA_ONLY = {
    "a2wsgi", "charset-normalizer", "flatbuffers", "google-pasta", "mdurl", "onnxruntime",
    "tensorboard-data-server", "tf-keras", "tensorflow-cpu",
}  # fmt: skip
LIST_NOTICES = """
import importlib.metadata, re
for one in importlib.metadata.distributions():
    names = [str(path).lower() for path in one.files or [] if path.locate().is_file()]
    if not any(re.search("licen[cs]e|copying|notice", name) for name in names):
        print(one.name)
"""


def test_an_image_that_is_not_there_is_an_error(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ScanFailed, match="no-such-image"):
        write_image_bom("no-such-image:none", tmp_path / "none.json", engine.host)
