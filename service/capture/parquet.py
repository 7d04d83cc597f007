"""One Parquet file of captured inputs: written aside and renamed, read in batches."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from service.base.durable import sync
from service.capture.arrow import pyarrow
from service.capture.schema import IDS, Form, arrow_schema, read_form

GROUP_BYTES = 4 * 1024 * 1024
BATCH_ROWS = 4096
LEVEL = 1  # of zstd: three times as quick as the usual one, for a tenth more bytes
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
TRIES = 3


class Unreadable(Exception):
    """A file that isn't there any more, or isn't one of ours; never leaves this room.

    `is_damaged` where reading it again would be in vain.
    """

    def __init__(self, path: Path, why: Exception, *, is_damaged: bool) -> None:
        super().__init__(f"{path.name}: {why}")
        self.path = path
        self.is_damaged = is_damaged


def write_parquet(path: Path, form: Form, batches: Iterable[Any]) -> int:
    """Write a file that has its name only once it is whole and on the disk; its rows.

    Nothing is written where there are none. Raises OSError, and ArrowException.
    """
    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        _create(aside)
        rows = _write(aside, form, batches)
        if rows:
            sync(aside)
            aside.rename(path)
            sync(path.parent)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()
    return rows


@contextmanager
def opened(path: Path) -> Iterator[tuple[Form, Any]]:
    """A file and what its footer says. Raises Unreadable, also while it is read."""
    pa = pyarrow()
    try:
        with path.open("rb") as stream:
            file = pa.parquet.ParquetFile(stream, pre_buffer=False, page_checksum_verification=True)
            yield read_form(file.schema_arrow), file
    except OSError as error:
        # Arrow calls pages whose checksums are wrong so as well; the system's errors have numbers.
        raise Unreadable(path, error, is_damaged=error.errno is None) from error
    except MemoryError:  # Arrow has one of its own
        raise
    except (ValueError, pa.ArrowException) as error:
        is_arrows = isinstance(error, pa.ArrowException)  # a footer that is strange may be newer
        raise Unreadable(path, error, is_damaged=is_arrows) from error


def id_batches(file: Any) -> Iterator[Any]:
    """Its rows without their inputs."""
    yield from file.iter_batches(BATCH_ROWS * 16, columns=list(IDS), use_threads=False)


def batches_of(file: Any, groups: list[int] | None = None) -> Iterator[Any]:
    """All of its rows, or those of some row groups, few enough of them at once for any memory."""
    footer = file.metadata
    size = sum(footer.row_group(at).total_byte_size for at in range(footer.num_row_groups))
    each = max(1, GROUP_BYTES * max(1, footer.num_rows) // max(1, size))
    yield from file.iter_batches(min(BATCH_ROWS, each), row_groups=groups, use_threads=False)


def in_groups(batches: Iterable[Any]) -> Iterator[Any]:
    """The rows in batches that make good row groups: neither one a row, nor all in one."""
    pa = pyarrow()
    waiting: list[Any] = []
    size = 0
    for batch in batches:
        waiting.append(batch)
        size += batch.nbytes
        if size >= GROUP_BYTES:
            yield pa.concat_batches(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.concat_batches(waiting)


def _write(path: Path, form: Form, batches: Iterable[Any]) -> int:
    """By Arrow's own file, which doesn't ask for the interpreter's lock with each page."""
    pa = pyarrow()
    rows = 0
    with (
        pa.OSFile(str(path), "wb") as stream,
        pa.parquet.ParquetWriter(
            stream,
            arrow_schema(form),
            compression="zstd",
            compression_level=LEVEL,
            use_dictionary=["version"],
            write_statistics=["time"],
            write_page_checksum=True,
        ) as writer,
    ):
        for batch in batches:
            if batch.num_rows:
                each = max(1, GROUP_BYTES * batch.num_rows // max(1, batch.nbytes))
                writer.write_batch(batch, row_group_size=each)
                rows += int(batch.num_rows)
    return rows


def _create(path: Path) -> None:
    """An empty file that only its owner can read, in a folder of that kind."""
    for _ in range(TRIES):
        path.parent.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        path.parent.mkdir(PRIVATE_FOLDER, exist_ok=True)
        with suppress(FileNotFoundError):  # the folder was empty, and swept away meanwhile
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
            return
    raise FileNotFoundError(path)
