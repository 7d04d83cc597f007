"""Lay the corpus out as a repository: each case a model of that name, its files as version 1."""

import json
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from service.repository.layout import Found, scan
from tests.attacks.case import Case

VERSION = "1"
PUBLISHED = "manifest.json"
FOLDERS = ("savedmodel", "keras_dir")


def lay_out(corpus: Path, cases: Iterable[Case], repository: Path) -> dict[str, Found]:
    """Fill the repository and look at it as the service does; what it finds, by case."""
    for case in cases:
        place_case(corpus, case, repository / case.id)
    return {found.model: found for found in scan(repository)}


def place_case(corpus: Path, case: Case, model: Path) -> None:
    """Write one case as version 1 of a model, together with what belongs to it."""
    folder, source = model / VERSION, corpus / case.file
    if case.kind in FOLDERS:
        shutil.copytree(source, folder, symlinks=True)
        return
    folder.mkdir(parents=True)
    _place(source, folder / source.name)
    if case.companion:
        beside = corpus / case.companion
        stem = source.name.split(".")[0]
        _place(beside, folder / f"{stem}{''.join(beside.suffixes)}")
    if case.original_sha256:
        record = {"files": {source.name: {"sha256": case.original_sha256}}}
        (folder / PUBLISHED).write_text(json.dumps(record))


def _place(source: Path, target: Path) -> None:
    """Copy whatever it is: a file, a folder, a link, a FIFO."""
    mode = os.lstat(source).st_mode
    if stat.S_ISFIFO(mode):
        os.mkfifo(target)
    elif stat.S_ISDIR(mode):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy(source, target, follow_symlinks=False)
