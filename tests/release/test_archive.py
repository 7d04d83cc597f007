"""Archives whose bytes don't depend on when, where and by whom they are packed."""

import os
import tarfile
from pathlib import Path

from release.archive import files_below, write_archive
from release.context import sources

WHEN = 1_700_000_000


def make(root: Path) -> None:
    (root / "below").mkdir(parents=True)
    (root / "below" / "b.txt").write_text("b")
    (root / "a.sh").write_text("#!/bin/sh\n")
    (root / "a.sh").chmod(0o755)


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        make(tmp_path / folder)
    (tmp_path / "two" / "below" / "b.txt").chmod(0o600)
    os.utime(tmp_path / "two" / "a.sh", (1, 1))
    for folder in ("one", "two"):
        names = files_below(tmp_path / folder, "below", "a.sh")
        order = names if folder == "one" else names[::-1]
        write_archive(tmp_path / f"{folder}.tar.gz", tmp_path / folder, order, "top", WHEN)

    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        members = {one.name: (one.mode, one.mtime, one.uid, one.uname) for one in archive}
    assert members == {
        "top/a.sh": (0o755, WHEN, 0, ""),
        "top/below/b.txt": (0o644, WHEN, 0, ""),
    }


def test_a_context_is_what_the_dockerfile_reads(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        """FROM x AS a
COPY pyproject.toml ./requirements.lock ./
# COPY nothing ./
COPY --chown=1:1 service/ \\
     service
RUN --mount=type=bind,source=docker/prune.sh,target=/p --mount=type=cache,target=/c sh /p
RUN --mount=type=bind,from=a,source=/opt,target=/opt true
COPY ["with space", "/there/"]
FROM x
COPY --from=a /opt /opt
ADD LICENSE /
"""
    )
    assert sources(tmp_path) == [
        "Dockerfile", "LICENSE", "docker/prune.sh", "pyproject.toml", "requirements.lock",
        "service", "with space",
    ]  # fmt: skip
