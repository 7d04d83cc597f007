"""Memory of ended versions goes back, and the kernel gets it."""

import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from service.runtime.disposal import Disposal
from service.runtime.onnx import OnnxVersion
from tests.runtime import models


class Held:
    """Something that takes memory."""


def test_all_that_was_added_is_called_forgotten_and_trimmed_in_another_thread() -> None:
    trims: list[int] = []
    threads: list[int] = []
    disposal = Disposal(lambda: trims.append(len(threads)))
    kept = [Held(), Held()]
    gone = [weakref.ref(held) for held in kept]

    def dispose_of(held: Held) -> None:
        disposal.add(lambda: threads.append(threading.get_ident() * bool(held)))

    while kept:
        dispose_of(kept.pop())
    disposal.close()

    assert len(threads) == 2
    assert threading.get_ident() not in threads
    assert trims[-1] == 2
    assert [each() for each in gone] == [None, None]


def test_a_failure_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    done: list[bool] = []
    disposal = Disposal()
    disposal.add(lambda: [].clear(1))  # type: ignore[call-arg]
    disposal.add(lambda: done.append(True))
    disposal.close()
    assert done == [True]
    assert "disposal failed" in caplog.text


def test_without_anything_there_is_no_thread() -> None:
    before = threading.active_count()
    Disposal().close()
    assert threading.active_count() == before


@pytest.mark.parametrize("inner", [2, None])
def test_a_session_goes_with_its_version(tmp_path: Path, inner: int | None) -> None:
    disposal = Disposal()
    compiled = models.summing(tmp_path, inner)
    version = OnnxVersion(tmp_path, compiled, disposal=disposal)
    rows = np.ones((3, 2), np.float32)
    assert version.run({"x": rows})["y"].tolist() == [[2.0]] * 3
    version.close()
    disposal.close()
    assert version._session is None
