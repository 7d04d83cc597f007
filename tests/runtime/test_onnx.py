"""An ONNX version: verified before it is loaded, warmed, and clear about what it can't compute."""

import hashlib
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from service.base.compiled import ONNX_FILE
from service.base.errors import DeadlineExceeded, MemoryShort, TensorInvalid
from service.base.refusals import ArtefactCorrupt
from service.runtime.measurement import Rows
from service.runtime.onnx import OnnxVersion
from service.runtime.watchdog import Watchdog
from tests.runtime.models import bulky, centring, looping, record, summing, with_golden

TWO_ROWS = np.array([[1, 2], [3, 4]], "float32")
NO_END = np.array([[1, 1e12]], "float32")


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    watchdog = Watchdog()
    yield watchdog
    watchdog.close()


def test_it_answers_by_name_and_knows_its_cost(tmp_path: Path) -> None:
    version = OnnxVersion(tmp_path, summing(tmp_path))
    answer = version.run({"x": TWO_ROWS})
    assert answer["y"].tolist() == [[3.0], [7.0]]
    assert list(version.measured.times) == [1, 2, 8, 32]
    assert 0 < version.measured.row_cost_s < 1


@pytest.mark.parametrize("inner", [2, None], ids=["arena", "no-arena"])
def test_a_run_larger_than_the_warmed_ones_gives_its_memory_back(
    tmp_path: Path, inner: int | None
) -> None:
    version = OnnxVersion(tmp_path, summing(tmp_path, inner))
    many = version.run({"x": np.ones((100, 2), "float32")}, time.monotonic() + 60)
    assert many["y"].tolist() == [[2.0]] * 100


def test_a_closed_version_keeps_nothing_of_its_session(tmp_path: Path) -> None:
    version = OnnxVersion(tmp_path, summing(tmp_path))
    version.run({"x": TWO_ROWS}, time.monotonic() + 60)
    session = weakref.ref(version._session)

    version.close()

    assert session() is None  # without the garbage collector, which may not come for long


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    compiled = summing(tmp_path)
    content = bytearray((tmp_path / ONNX_FILE).read_bytes())
    content[-20] ^= 1
    (tmp_path / ONNX_FILE).write_bytes(content)
    with pytest.raises(ArtefactCorrupt, match="sha256"):
        OnnxVersion(tmp_path, compiled)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    compiled = summing(tmp_path)
    (tmp_path / ONNX_FILE).write_bytes(b"nothing")
    digest = hashlib.sha256(b"nothing").hexdigest()
    with pytest.raises(ArtefactCorrupt, match="can't load it"):
        OnnxVersion(tmp_path, record(compiled.signature, {ONNX_FILE: digest}))


def test_a_length_that_the_graph_cannot_take_is_the_clients_error(tmp_path: Path) -> None:
    version = OnnxVersion(tmp_path, summing(tmp_path, inner=None))
    with pytest.raises(
        TensorInvalid, match="inputs: expected values that the model can compute"
    ) as e:
        version.run({"x": np.ones((1, 5), "float32")})
    assert "/" not in str(e.value)


def test_too_large_a_batch_for_the_memory_is_said_to_be_that(tmp_path: Path) -> None:
    version = OnnxVersion(tmp_path, bulky(tmp_path))
    with pytest.raises(MemoryShort):
        version.run({"x": np.array([[1, 1e15]], "float32")})


def test_rows_that_keep_to_themselves_may_be_gathered(tmp_path: Path) -> None:
    compiled = with_golden(
        tmp_path, summing(tmp_path), TWO_ROWS, np.array([[3.0], [7.0]], "float32")
    )
    assert OnnxVersion(tmp_path, compiled).measured.rows is Rows.INDEPENDENT


def test_rows_that_meddle_are_found_out(tmp_path: Path) -> None:
    compiled = with_golden(
        tmp_path, centring(tmp_path), TWO_ROWS, np.array([[-2.0], [2.0]], "float32")
    )
    assert OnnxVersion(tmp_path, compiled).measured.rows is Rows.INTERACTING


def test_without_golden_values_nothing_is_known_of_the_rows(tmp_path: Path) -> None:
    assert OnnxVersion(tmp_path, summing(tmp_path)).measured.rows is Rows.UNTRIED


def test_threads_are_not_tried_where_a_run_is_short(tmp_path: Path) -> None:
    version = OnnxVersion(tmp_path, summing(tmp_path), threads_available=2)
    assert (version.measured.threads, version.measured.cores) == (1, 2)


class TestDeadline:
    def test_a_long_run_is_ended_and_the_next_is_unharmed(
        self, tmp_path: Path, watchdog: Watchdog
    ) -> None:
        version = OnnxVersion(tmp_path, looping(tmp_path), watchdog)
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="was not finished within"):
            version.run({"x": NO_END}, started + 0.1)
        assert 0.1 <= time.monotonic() - started < 5
        answer = version.run({"x": np.array([[2, 3]], "float32")}, time.monotonic() + 60)
        assert answer["y"].tolist() == [[8.0]]

    def test_nothing_is_run_after_it(self, tmp_path: Path, watchdog: Watchdog) -> None:
        version = OnnxVersion(tmp_path, looping(tmp_path), watchdog)
        with pytest.raises(DeadlineExceeded):
            version.run({"x": NO_END}, time.monotonic())

    def test_a_run_within_it_is_as_without(self, tmp_path: Path) -> None:
        version = OnnxVersion(tmp_path, summing(tmp_path))
        assert version.run({"x": TWO_ROWS}, time.monotonic() + 60)["y"].tolist() == [[3.0], [7.0]]
        version.close()
