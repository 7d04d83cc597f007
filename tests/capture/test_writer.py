"""Workers write beside their answers: sampled, bounded, in whole files, and following the terms."""

import logging
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from service.base.metrics import REGISTRY
from service.base.signature import Signature, Tensors
from service.capture.tap import Tap
from service.capture.terms import Terms
from service.capture.writer import FLUSH_BYTES, FLUSH_S, MAX_BYTES, CaptureWriter
from tests.capture.everything import captured
from tests.capture.made import NOON, PLAIN, id_of, listed, numbers, row_of
from tests.capture.test_terms import TWO

Decisions = tuple[None, None]
NONE: Decisions = (None, None)


class Worker:
    """A writer whose thread is off, and terms to be changed."""

    def __init__(self, folder: Path, **terms: Terms) -> None:
        self.folder = folder
        self.terms = terms
        self.writer = CaptureWriter(folder, lambda: self.terms)

    def tap(self, signature: Signature = PLAIN, model: str = "m", version: int = 1) -> Tap:
        tap = self.writer.tap(model, version, signature)
        self.writer.step(0.0)
        return tap


def take(tap: Tap, name: str, inputs: Tensors, at: int = NOON) -> None:
    """What an answer does."""
    if tap.is_on and tap.takes(id_of(name)):
        tap.take((id_of(name), b"", at), inputs, NONE)


def take_rows(tap: Tap, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        take(tap, name, row_of(number))


def count(outcome: str, model: str = "m") -> float:
    labels = {"model": model, "outcome": outcome}
    return REGISTRY.get_sample_value("kerasd_captured_rows_total", labels) or 0.0


def test_it_is_off_until_the_terms_say_otherwise(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    tap = worker.tap()
    assert not tap.is_on
    worker.terms = {"m": Terms(1.0), "other": Terms(1.0)}
    worker.writer.step(1.0)
    assert tap.is_on
    worker.terms = {"m": Terms(0.0)}
    worker.writer.step(2.0)
    assert not tap.is_on
    assert list(tmp_path.iterdir()) == []


def test_what_is_taken_is_read_after_a_flush(tmp_path: Path) -> None:
    worker = Worker(tmp_path, m=Terms(1.0))
    before = count("kept")
    take_rows(worker.tap(), "abc")
    worker.writer.flush()
    assert numbers(tmp_path) == [0, 1, 2]
    assert len(listed(tmp_path)) == 1
    assert count("kept") == before + 3


def test_it_writes_every_few_seconds_or_megabytes(tmp_path: Path) -> None:
    worker = Worker(tmp_path, m=Terms(1.0))
    tap = worker.tap()
    take(tap, "a", row_of(1))
    worker.writer.step(FLUSH_S / 2)
    assert numbers(tmp_path) == []
    worker.writer.step(FLUSH_S)
    assert numbers(tmp_path) == [1]
    take(tap, "b", {"x": np.full((FLUSH_BYTES // 12 + 1, 3), 2, np.float32)})
    worker.writer.step(FLUSH_S + 1)
    assert len(numbers(tmp_path)) == FLUSH_BYTES // 12 + 2


def test_the_share_is_the_same_ones_for_everybody(tmp_path: Path) -> None:
    names = [str(n) for n in range(4000)]
    taps = [Worker(tmp_path, m=Terms(0.25)).tap() for _ in range(2)]
    more = Worker(tmp_path, m=Terms(0.5)).tap()
    chosen = [{name for name in names if tap.takes(id_of(name))} for tap in (*taps, more)]
    assert chosen[0] == chosen[1]
    assert chosen[0] < chosen[2]
    assert 0.22 < len(chosen[0]) / len(names) < 0.28
    assert 0.47 < len(chosen[2]) / len(names) < 0.53


def test_the_caller_may_do_as_it_likes_with_its_arrays(tmp_path: Path) -> None:
    worker = Worker(tmp_path, m=Terms(1.0))
    body = bytearray(np.array([[5, 6, 7]], np.float32).tobytes())
    inputs = {"x": np.frombuffer(body, np.float32).reshape(1, 3)}
    take(worker.tap(), "a", inputs)
    body[:] = bytes(len(body))
    worker.writer.flush()
    assert numbers(tmp_path) == [5]


def test_what_has_no_room_is_dropped_and_counted(tmp_path: Path) -> None:
    worker = Worker(tmp_path, m=Terms(1.0))
    tap, before = worker.tap(), count("dropped")
    large = {"x": np.zeros((MAX_BYTES // 24, 3), np.float32)}
    for name in "abc":
        take(tap, name, large)
    assert count("dropped") == before + 2 * len(large["x"])
    worker.writer.flush()
    take(tap, "d", row_of(1))
    worker.writer.flush()
    assert len(numbers(tmp_path)) == len(large["x"]) + 1


def test_what_is_dropped_is_in_no_file(tmp_path: Path) -> None:
    worker = Worker(tmp_path, m=Terms(1.0, ("image", "facts[1]")))
    given: Tensors = {
        "image": np.full((1, 2, 2), 9, np.uint8),
        "facts": np.array([[1, 2, 3]], np.float32),
    }
    take(worker.tap(TWO), "a", given)
    worker.writer.flush()
    (rows,) = captured(tmp_path, "m")
    assert {name: array.tolist() for name, array in rows.inputs.items()} == {"facts": [[1, 0, 3]]}
    assert given["facts"].tolist() == [[1, 2, 3]]


def test_a_word_that_isnt_understood_keeps_everything_from_being_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(tmp_path, m=Terms(1.0, ("imgae",)))
    tap = worker.tap(TWO)
    worker.writer.step(1.0)
    assert not tap.is_on
    assert [record.msg for record in caplog.records] == [
        "inputs aren't captured: capture.drop names what the model has no input for"
    ]


def test_versions_hours_and_terms_have_files_of_their_own(tmp_path: Path) -> None:
    worker = Worker(tmp_path, m=Terms(1.0), n=Terms(1.0))
    first, second = worker.tap(version=1), worker.tap(version=2)
    take(first, "a", row_of(1))
    take(first, "b", row_of(2), NOON + 3_600_000)
    take(second, "c", row_of(3))
    take(worker.tap(model="n"), "d", row_of(4))
    worker.terms = {"m": Terms(1.0, ("x[0]",))}
    worker.writer.step(1.0)
    take(first, "e", row_of(5))
    worker.writer.flush()
    assert len(listed(tmp_path)) == 4
    assert numbers(tmp_path) == [0, 1, 2, 3]
    assert numbers(tmp_path, model="n") == [4]


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "captured", m=Terms(1.0))
    take(worker.tap(), "a", row_of(1))
    worker.writer.flush()
    (file,) = listed(tmp_path / "captured")
    for path in (file.path, file.path.parent, file.path.parent.parent):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_disk_that_takes_nothing_costs_rows_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "m").touch()  # where the folder should be
    worker = Worker(tmp_path, m=Terms(1.0))
    tap, before = worker.tap(), count("failed")
    for name in "ab":
        take(tap, name, row_of(1))
        worker.writer.flush()
    assert count("failed") == before + 2
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    (tmp_path / "m").unlink()
    take(tap, "c", row_of(3))
    worker.writer.flush()
    assert numbers(tmp_path) == [3]


def test_the_thread_writes_what_waits_when_it_is_closed(tmp_path: Path) -> None:
    worker = Worker(tmp_path, m=Terms(1.0))
    tap = worker.tap()
    worker.writer.start()
    take_rows(tap, "ab")
    worker.writer.close()
    assert numbers(tmp_path) == [0, 1]


WITHOUT_ARROW = """
import logging, sys
sys.modules["pyarrow"] = None
logging.basicConfig(format="%(message)s", stream=sys.stdout)
from pathlib import Path
from service.base.signature import Signature, TensorSpec
from service.capture.terms import Terms
from service.capture.writer import CaptureWriter
folder = Path(sys.argv[1])
writer = CaptureWriter(folder, lambda: {"m": Terms(1.0), "n": Terms(1.0)})
taps = [writer.tap(m, 1, Signature((TensorSpec("x", "float32", (None, 3)),), ())) for m in "mn"]
for now in (1.0, 7.0, 14.0):
    writer.step(now)
print([tap.is_on for tap in taps], list(folder.iterdir()))
"""


def test_without_arrow_nothing_is_captured_and_that_is_told_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_ARROW, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [
        "inputs can't be captured: pyarrow isn't installed",
        "[False, False] []",
    ]
