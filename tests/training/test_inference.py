"""Rows go through a compiled version in batches, in their order, until the job is stopped."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from service.base.compiled import Compiled
from service.base.job_errors import Cancelled
from service.base.refusals import ArtefactCorrupt
from service.base.signature import Signature, TensorSpec
from service.training.data.rows import Rows
from service.training.inference import Inference, latency_ratio, run_rows
from service.training.judging.trial import rows_sha256
from tests.runtime.models import looping, summing

ROWS = np.arange(20, dtype=np.float32).reshape(10, 2)
SUMS = ROWS.sum(axis=1, keepdims=True)


@dataclass
class Job:
    """An attempt that is cancelled while a batch is run."""

    is_stopped: bool = False

    def check(self) -> None:
        if self.is_stopped:
            raise Cancelled("j")


def written(folder: Path, compiled: Compiled | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (compiled or summing(folder)).write(folder)
    return folder


@pytest.fixture
def version(tmp_path: Path) -> Iterator[Inference]:
    with Inference(written(tmp_path / "a")) as inference:
        yield inference


@pytest.mark.parametrize("batch_size", [1, 3, 10, 100])
def test_every_row_is_answered_once_in_its_order(version: Inference, batch_size: int) -> None:
    heard: list[int] = []
    outputs = run_rows(version, {"x": ROWS}, batch_size, Job(), heard.append)
    np.testing.assert_array_equal(outputs, SUMS)
    assert heard[-1] == 10
    assert len(heard) == -(-10 // batch_size)


def test_no_rows_have_no_answers(version: Inference) -> None:
    assert len(run_rows(version, {"x": ROWS[:0]}, 4, Job(), lambda _: None)) == 0


def test_a_stopped_job_ends_at_the_next_batch(version: Inference) -> None:
    job, heard = Job(), []

    def tell(done: int) -> None:
        heard.append(done)
        job.is_stopped = True

    with pytest.raises(Cancelled):
        run_rows(version, {"x": ROWS}, 4, job, tell)
    assert heard == [4]


def test_inputs_of_another_name_go_by_their_order(version: Inference) -> None:
    np.testing.assert_array_equal(
        run_rows(version, {"dense_input": ROWS}, 4, Job(), lambda _: None), SUMS
    )


def test_a_fixed_batch_is_filled_up(tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    folder.mkdir()
    made = summing(folder)
    fixed = Signature((TensorSpec("x", "float32", (4, 2)),), made.signature.outputs)
    with Inference(written(folder, replace(made, signature=fixed))) as version:
        np.testing.assert_array_equal(
            run_rows(version, {"x": ROWS}, 256, Job(), lambda _: None), SUMS
        )


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "a")
    (folder / "model.onnx").write_bytes(b"other")
    with pytest.raises(ArtefactCorrupt):
        Inference(folder)


def test_latency_is_measured_in_turns(version: Inference, tmp_path: Path) -> None:
    row = {"x": np.array([[1, 5000]], np.float32)}
    slow = tmp_path / "slow"
    slow.mkdir()
    with Inference(written(slow, looping(slow))) as looped:
        slower, quicker = latency_ratio(looped, version, row), latency_ratio(version, looped, row)
        assert slower is not None
        assert quicker is not None
        assert slower > 2 > 0.5 > quicker
        assert latency_ratio(version, looped, {"x": ROWS[:1, :1]}) is None


def test_rows_are_known_by_what_they_hold() -> None:
    rows = Rows({"x": ROWS}, np.arange(10))
    assert rows_sha256(rows) == rows_sha256(Rows({"x": ROWS.copy()}, np.arange(10)))
    for other in (
        Rows({"y": ROWS}, np.arange(10)),
        Rows({"x": ROWS + 1}, np.arange(10)),
        Rows({"x": ROWS}, np.arange(10)[::-1]),
        Rows({"x": ROWS[:0]}, np.arange(0)),
        Rows({"x": np.array(["a", "b"], object)}, np.arange(2)),
    ):
        assert rows_sha256(other) != rows_sha256(rows)
