"""How far batch predictions are, on the terminal."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from service.cli.terminal import plain


class BatchBar:
    """A bar over the bytes that are read, with the rows that are predicted."""

    def __init__(self, *, quiet: bool = False) -> None:
        columns = (
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TimeRemainingColumn(),
        )  # fmt: skip
        self._progress = Progress(
            *columns, console=Console(stderr=True), transient=True, disable=quiet
        )
        self._task = self._progress.add_task("waiting", total=None)
        self._began: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def move(self, done: int, total: int, rows: int, what: str) -> None:
        """To so many bytes and rows."""
        now = time.monotonic()
        if self._began is None:
            self._began = now, rows
        since, before = self._began
        rate = f", {(rows - before) / (now - since):,.0f}/s" if now > since + 1 else ""
        text = plain(f"{what}  {rows:,} rows{rate}")
        self._progress.update(self._task, total=total or None, completed=done, description=text)
