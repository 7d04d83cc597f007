"""What is sent of a job's folder: the end of its log, and its artefacts, piece by piece."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from flask import Response
from werkzeug.http import dump_options_header

from service.base.errors import Overloaded
from service.jobs.job_log import LOG
from service.web.jobs.artefacts import ArtefactNotFound, open_artefact

AT_ONCE = 2  # each holds a thread for as long as its client reads
PIECE = 256 * 1024
TAIL_BYTES = 64 * 1024
BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
# Shown by their names; nothing that a browser would run.
TYPES = {".json": "application/json", ".csv": "text/csv; charset=utf-8", ".log": TEXT}


class Downloads:
    """One worker's: few at a time."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def send(self, folder: Path, job: str, name: str) -> Response:
        """One artefact as a download. Raises ArtefactNotFound, Overloaded."""
        if not self._free.acquire(blocking=False):
            raise Overloaded("downloads", AT_ONCE)
        try:
            file = open_artefact(folder, job, name)
        except BaseException:
            self._free.release()
            raise
        size = os.fstat(file.fileno()).st_size
        last = name.rpartition("/")[2]
        kind = TYPES.get(os.path.splitext(last)[1].lower(), BINARY)
        response = Response(_pieces(file, size), content_type=kind)
        response.content_length = size
        response.headers["Content-Disposition"] = as_attachment(last)
        response.call_on_close(file.close)
        response.call_on_close(self._free.release)
        return response


def as_attachment(name: str) -> str:
    """The header's value. A header takes no other characters than those of Latin-1, and clients
    differ in how they read the upper half of these.
    """
    if name.isascii():
        return dump_options_header("attachment", {"filename": name})
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def end_of_log(folder: Path, job: str, most: int) -> str:
    """The last lines of a job's log, of so many bytes at most; empty before its first line."""
    try:
        with open_artefact(folder, job, LOG) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - most))
            content = file.read(most)
    except ArtefactNotFound:
        return ""
    if size > most:  # from the first whole line on
        content = content.partition(b"\n")[2]
    return content.decode(errors="replace")


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """As many bytes as were declared, though the file may grow; one that shrinks is cut off."""
    left = size
    while left and (piece := file.read(min(PIECE, left))):
        left -= len(piece)
        yield piece
