"""`make release`: the same commit is the same bytes, and what is built can be installed and run."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from release.build import SUMS, TOOLS
from release.context import sources
from service import __version__
from service.base.database import HEAD
from tests.conftest import ROOT
from tests.release.clones import make_clone, run

pytestmark = pytest.mark.slow

UV = ROOT / ".uv" / "bin" / "uv"
NAMED = f"kerasd-{__version__}"


def build(clone: Path, target: Path) -> dict[str, bytes]:
    """Build from a clone, with the packages and the tools that are here."""
    run(sys.executable, "-m", "release.build", target, TOOLS, where=clone, PYTHONPATH=str(clone))
    return {path.name: path.read_bytes() for path in target.iterdir()}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("release") / "one")


@pytest.fixture(scope="module")
def built(clone: Path) -> dict[str, bytes]:
    return build(clone, clone.parent / "dist")


def test_a_release_is_these_files(built: dict[str, bytes]) -> None:
    assert sorted(built) == sorted([
        f"{NAMED}-py3-none-any.whl", f"{NAMED}.tar.gz", f"{NAMED}-images.tar.gz", f"{NAMED}.tgz",
        f"{NAMED}-serve.cdx.json", f"{NAMED}-full.cdx.json", f"{NAMED}-licences.md", SUMS,
    ])  # fmt: skip


def test_the_sums_are_those_of_the_files(built: dict[str, bytes], clone: Path) -> None:
    run("sha256sum", "--check", "--strict", SUMS, where=clone.parent / "dist")
    named = [line.split("  ")[1] for line in built[SUMS].decode().splitlines()]
    assert named == sorted(built.keys() - {SUMS})


def test_another_clone_at_another_time_and_place_is_the_same_bytes(
    built: dict[str, bytes], clone: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / "deeper" / "two"
    run("git", "clone", "--quiet", "--no-hardlinks", clone, other)
    for path in other.rglob("*"):
        if ".git" not in path.parts:
            os.utime(path, (1_000_000_000, 1_000_000_000))
    (other / "service" / "not-committed.py").write_text("nothing of this is in a release")
    run("chmod", "-R", "go-rwx", "service", where=other)

    again = build(other, tmp_path / "dist")

    assert {name: digest(data) for name, data in again.items()} == {
        name: digest(data) for name, data in built.items()
    }


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_wheel_holds_every_file_of_the_package(built: dict[str, bytes], clone: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(built[f"{NAMED}-py3-none-any.whl"])) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    committed = run("git", "ls-files", "service", where=clone).split()
    assert names == set(committed)
    assert {"service/web/templates/docs.html", "service/loading/allow_list/allowed.json"} <= names


def test_the_sdist_holds_what_was_committed(built: dict[str, bytes], clone: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(built[f"{NAMED}.tar.gz"])) as sdist:
        names = {name.removeprefix(f"{NAMED}/") for name in sdist.getnames()}
    left_out = set(run("git", "ls-files", where=clone).split()) - names
    assert left_out <= {".pre-commit-config.yaml"}


def test_a_wheel_from_the_sdist_with_any_frontend_is_the_same(
    built: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "sdist.tar.gz").write_bytes(built[f"{NAMED}.tar.gz"])
    with tarfile.open(tmp_path / "sdist.tar.gz") as sdist:
        when = next(member.mtime for member in sdist if member.isfile())
        sdist.extractall(tmp_path, filter="data")

    run(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", tmp_path / NAMED,
        SOURCE_DATE_EPOCH=str(int(when)))  # fmt: skip

    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert digest(wheel.read_bytes()) == digest(built[f"{NAMED}-py3-none-any.whl"])


def test_the_context_is_all_that_the_dockerfile_reads(
    built: dict[str, bytes], tmp_path: Path, clone: Path
) -> None:
    with tarfile.open(fileobj=io.BytesIO(built[f"{NAMED}-images.tar.gz"])) as context:
        context.extractall(tmp_path, filter="data")
    for name in sources(clone):
        assert (tmp_path / name).exists(), name
    assert not (tmp_path / "tests").exists()
    packed, committed = ((one / "Dockerfile").read_text() for one in (tmp_path, clone))
    assert f"\nARG VERSION={__version__}\n" in packed
    assert f"\nARG VERSION={__version__}\n" in committed
    assert f"\nARG REVISION={run('git', 'rev-parse', 'HEAD', where=clone)}" in packed
    assert "\nARG REVISION=unknown\n" in committed
    told = re.compile(r"^ARG (VERSION|REVISION|CREATED)=.*$", re.MULTILINE)
    assert told.sub("", packed) == told.sub("", committed)


def test_the_chart_is_packed_as_helm_packs_it(built: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=io.BytesIO(built[f"{NAMED}.tgz"])) as chart:
        names = set(chart.getnames())
    assert {"kerasd/Chart.yaml", "kerasd/values.yaml", "kerasd/templates/web.yaml"} <= names
    assert not any(name.startswith("kerasd/ci") for name in names)


@pytest.mark.parametrize("target", ["serve", "full"])
def test_an_sbom_is_valid_and_names_what_the_lock_does(
    built: dict[str, bytes], tmp_path: Path, target: str
) -> None:
    path = tmp_path / "bom.json"
    path.write_bytes(built[f"{NAMED}-{target}.cdx.json"])
    run(TOOLS, "-m", "release.bom", "check", path)

    bom = json.loads(path.read_text())
    locked = (ROOT / "requirements.lock").read_text()
    assert bom["metadata"]["component"]["version"] == __version__
    assert len(bom["components"]) > 50
    for one in bom["components"]:
        assert f"{one['name']}=={one['version']}" in locked
        assert one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}"
        assert one["licenses"]
    names = {one["name"] for one in bom["components"]}
    assert ({"tensorflow-cpu", "keras"} & names == set()) == (target == "serve")


def test_a_broken_sbom_is_found(built: dict[str, bytes], tmp_path: Path) -> None:
    bom = json.loads(built[f"{NAMED}-serve.cdx.json"])
    bom["components"][0]["type"] = "thing"
    (tmp_path / "bom.json").write_text(json.dumps(bom))

    ran = subprocess.run(
        [TOOLS, "-m", "release.bom", "check", tmp_path / "bom.json"], cwd=ROOT, capture_output=True
    )

    assert ran.returncode == 1
    assert b"'thing'" in ran.stdout


def test_the_wheel_runs_in_an_empty_environment_with_the_lock(
    built: dict[str, bytes], tmp_path: Path
) -> None:
    wheel = tmp_path / f"{NAMED}-py3-none-any.whl"
    wheel.write_bytes(built[wheel.name])
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    lock = ROOT / "requirements.lock"
    run(UV, "pip", "install", "--quiet", "--python", python, "--constraint", lock, wheel)

    told = run(python.with_name("kerasd"), "--version", where=tmp_path)
    made = run(python, "-c", MAKE_DATABASE, tmp_path / "kerasd.sqlite", where=tmp_path)

    assert told.strip() == f"kerasd, version {__version__}"
    assert made.strip() == HEAD


MAKE_DATABASE = """
import sys
from service.base.database import known_revision, migrate, open_database
from service.loading.allow_list.allowed import ALLOWED_FILE
from service.web.pages import TEMPLATES
engine = open_database(f"sqlite:///{sys.argv[1]}")
migrate(engine)
assert "site-packages" in str(TEMPLATES) and ALLOWED_FILE.is_file()
assert list(TEMPLATES.glob("*.html"))
print(known_revision(engine))
"""
