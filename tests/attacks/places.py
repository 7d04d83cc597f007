"""What is no regular file although it lies where a model's file should."""

import os
from pathlib import Path

from tests.attacks.base import Base
from tests.attacks.case import CLEAR, Case, Corpus
from tests.attacks.family import HANG, TRAVERSAL


def add_places(corpus: Corpus, base: Base) -> None:
    """Write every case of a folder, link or FIFO."""
    folder = corpus.models / "directory_named.h5"
    folder.mkdir(exist_ok=True)
    draft = Case("directory_named", TRAVERSAL, "a directory named model.h5", CLEAR, kind="h5")
    corpus.add(draft, folder)
    outside = _link(corpus.models / "symlink_outside.h5", corpus.canary / "target.h5")
    attacks = "a symlink to a file outside the repository"
    draft = Case("symlink_outside", TRAVERSAL, attacks, "refuse: link leaves the repository")
    corpus.add(draft, outside)
    loop = _link(corpus.models / "symlink_loop.h5", Path("symlink_loop.h5"))
    corpus.add(Case("symlink_loop", TRAVERSAL, "a symlink to itself"), loop)
    fifo = corpus.models / "fifo_model.h5"
    if not fifo.exists():
        os.mkfifo(fifo)
    must = "refuse: not a regular file; never open it blocking"
    corpus.add(Case("fifo_model", HANG, "a FIFO named model.h5", must), fifo)
    _add_unpacked(corpus, base)


def _add_unpacked(corpus: Corpus, base: Base) -> None:
    folder = corpus.models / "keras_dir_symlink"
    folder.mkdir(exist_ok=True)
    for name, content in base.members.items():
        if name != "config.json":
            (folder / name).write_bytes(content)
    _link(folder / "config.json", corpus.canary / "secret.txt")
    draft = Case(
        "keras_dir_symlink",
        TRAVERSAL,
        "unzipped .keras folder whose config.json is a symlink to a secret",
        "refuse; the error must not quote the file's content",
        payload="canary",
        kind="keras_dir",
    )
    corpus.add(draft, folder)


def _link(path: Path, target: Path) -> Path:
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    return path
