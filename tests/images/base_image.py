"""A stand-in for the Python base image, out of Debian packages: no image registry is asked.

It has the official image's names (`python3` and `pip` of /usr/local/bin) and environment. Because
builds reach the package registry as this machine does, it holds this machine's certificates and
what pip is told here of indexes: an image of it is for tests, never to be published.
"""

import hashlib
import os
import re
import subprocess
import tempfile
from pathlib import Path

from tests.conftest import ROOT
from tests.images.engine import DockerFailed, Engine

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
SUITE = "bookworm"
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"  # what the package usrmerge needs Perl for
PACKAGES = "usr-is-merged,ca-certificates,netbase,tzdata,python3.11,python3-pip-whl"
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
LEFT_OUT = ("man", "doc", "locale", "info", "lintian")
RECIPE = "recipe"  # the label that tells whether it was made as it would be made now
DEBOOTSTRAP_S = 600.0
HOOK = r"""#!/bin/sh
set -e
rm -f "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED
for name in python python3 python3.11; do ln -sf /usr/bin/python3.11 "$1"/usr/local/bin/$name; done
wheel=$(cd "$1" && ls usr/share/python-wheels/pip-*.whl)
chroot "$1" python3 /$wheel/pip install --quiet --no-index --root-user-action ignore /$wheel
cp {certificates} "$1"{certificates}
cp {pip} "$1"/etc/pip.conf
mkdir -p "$1"/etc/uv
cp {uv} "$1"/etc/uv/uv.toml
rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb
"""


def base_name() -> str:
    """The image that the Dockerfile begins with unless it is told another."""
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None, "Dockerfile has no ARG PYTHON_IMAGE"
    return found.group(1)


def make_base(engine: Engine) -> str:
    """Have the engine know the base image; one that it has from an earlier run is used again."""
    name, pip, uv = base_name(), _pip_settings(), _uv_settings()
    recipe = _digest(name, HOOK, PACKAGES, pip, uv, CERTIFICATES.read_text(), str(ENVIRONMENT))
    try:
        if engine.inspect(name, f'{{{{index .Config.Labels "{RECIPE}"}}}}') == recipe:
            return name
    except DockerFailed:  # it isn't there
        pass
    environment = {**ENVIRONMENT, "SSL_CERT_FILE": str(CERTIFICATES)}
    changes = [f"ENV {key}={value}" for key, value in environment.items()]
    changes += [f"LABEL {RECIPE}={recipe}", 'CMD ["python3"]']
    with tempfile.TemporaryDirectory(prefix="kerasd-base-", dir="/var/tmp") as folder:
        archive = _debootstrap(Path(folder), pip, uv)
        options = [option for change in changes for option in ("--change", change)]
        engine.docker("import", *options, str(archive), name, timeout_s=DEBOOTSTRAP_S)
    return name


def _debootstrap(folder: Path, pip: str, uv: str) -> Path:
    (folder / "pip.conf").write_text(pip)
    (folder / "uv.toml").write_text(uv)
    hook, archive = folder / "hook", folder / "base.tar"
    hook.write_text(
        HOOK.format(certificates=CERTIFICATES, pip=folder / "pip.conf", uv=folder / "uv.toml")
    )
    hook.chmod(0o700)
    paths = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    command = ["mmdebstrap", "--quiet", "--format=tar", "--variant=minbase",
               f"--include={PACKAGES}", f"--hook-dir={MERGED}", *paths, f"--customize-hook={hook}",
               SUITE, str(archive), *_mirror()]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEBOOTSTRAP_S)
    assert ended.returncode == 0, f"mmdebstrap: {ended.stderr[-4000:]}"
    return archive


def _mirror() -> list[str]:
    """Where this machine has its packages from; Debian's own address where it doesn't say."""
    found = (
        re.search(r"^URIs: *(\S+)", SOURCES.read_text(), re.MULTILINE) if SOURCES.exists() else None
    )
    return [found.group(1)] if found else []


def _pip_settings() -> str:
    """pip.conf: what reaches further than this machine's own folders."""
    lines = ["[global]", f"cert = {CERTIFICATES}"]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in _indexes().items())]) + "\n"


def _uv_settings() -> str:
    """uv.toml with the same indexes, for uv doesn't read pip.conf."""
    told = _indexes()
    lines = [f'index-url = "{told["index-url"]}"'] if "index-url" in told else []
    if more := told.get("extra-index-url", "").split():
        lines.append(f"extra-index-url = {more}".replace("'", '"'))
    return "\n".join(lines) + "\n"


def _indexes() -> dict[str, str]:
    """What pip is told here of registries, by file or environment."""
    listed = subprocess.run(
        ["python3", "-m", "pip", "config", "list"], capture_output=True, text=True, check=True,
        env=os.environ,
    ).stdout  # fmt: skip
    told: dict[str, str] = {}
    for key, value in re.findall(
        r"^\S*?\.(index-url|extra-index-url|trusted-host)='(.*)'$", listed, re.MULTILINE
    ):
        reached = [one for one in value.split() if not one.startswith("file:")]
        if reached:
            told[key] = " ".join(reached)
    return told


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
