"""What a version answers before anybody asks it."""

import logging
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from service.base.errors import MemoryShort, RuntimeLost
from service.base.metrics import REGISTRY
from service.base.signature import STRING, Signature, Tensors, TensorSpec
from service.repository.model_config import ModelConfig
from service.repository.sample_requests import SampleFile
from service.runtime.backlog import Backlog, QueueLimits
from service.runtime.batcher import Batcher
from service.web import warm_up as warming
from service.web.counted import VersionMetrics
from service.web.exchange import Call, Facts, Identity
from service.web.paths import PredictPath
from service.web.served import ServedVersion
from service.web.v1.predict import Predict
from service.web.warm_up import MAX_SAMPLES, body_of, golden_inputs, read_bodies, warm_up
from tests.fakes import FLOAT_SIGNATURE, FakeVersion
from tests.runtime.held import ON_LOOP
from tests.runtime.models import summing, with_golden

ONE = {"instances": [[1, 2, 3]]}
TWO = {"instances": [[1, 2, 3], [4, 5, 6]]}
LONG_S = 60.0


class Noting(FakeVersion):
    """Notes the rows of its runs."""

    def __init__(
        self, signature: Signature = FLOAT_SIGNATURE, error: Exception | None = None
    ) -> None:
        super().__init__(signature)
        self.runs: list[list[float]] = []
        self.failing = error

    def run(self, inputs: Tensors, deadline: float | None = None) -> Tensors:
        first = inputs[self.signature.inputs[0].name]
        self.runs.append(first.reshape(len(first), -1)[:, 0].tolist())
        if self.failing is not None and len(first) > 1:
            raise self.failing
        return super().run(inputs, deadline)

    @property
    def sizes(self) -> list[int]:
        return [len(rows) for rows in self.runs]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def serve(
    version: FakeVersion, threads: ThreadPoolExecutor, joins: int = 0, name: str = "m"
) -> ServedVersion:
    """A version that is run as it comes, or joined to so many rows."""
    plan = replace(ON_LOOP, is_batched=joins > 0, max_batch_size=joins or 1, parallel=1)
    queue = QueueLimits(10, LONG_S)
    facts = Facts(Identity(name, 2, "f" * 64), version.signature, ModelConfig(), True, 1000)
    return ServedVersion(
        facts,
        Batcher(version, plan, threads, queue),
        VersionMetrics(name, 2, ()),
        Backlog(queue, 1),
    )


def found(content: object, name: str = "warm_up.json") -> SampleFile:
    return SampleFile(name, orjson.dumps(content))


def nothing() -> Tensors | None:
    return None


def golden() -> Tensors:
    return {"x": np.array([[7, 8, 9], [1, 1, 1]], "float32")}


@pytest.mark.parametrize(
    ("joins", "sizes"), [(8, [1, 2, 4, 8]), (20, [1, 2, 4, 8, 16]), (1, [1]), (0, [2])]
)
def test_it_is_run_at_the_sizes_that_requests_may_be_joined_to(
    threads: ThreadPoolExecutor, joins: int, sizes: list[int]
) -> None:
    version = Noting()

    warm_up(serve(version, threads, joins), Predict(), found(TWO), nothing)

    assert version.sizes == sizes
    assert version.runs[-1][:2] == [1.0, 4.0][: sizes[-1]]


def test_each_of_several_requests_is_answered(threads: ThreadPoolExecutor) -> None:
    version = Noting()

    warm_up(serve(version, threads), Predict(), found([ONE, {"inputs": [[5, 5, 5]]}]), nothing)

    assert version.runs == [[1.0], [5.0]]


def test_of_examples_one_instance_is_enough(threads: ThreadPoolExecutor) -> None:
    version = Noting()
    examples = found({**TWO, "labels": ["a", "b"]}, "examples.json")

    warm_up(serve(version, threads), Predict(), examples, nothing)

    assert version.runs == [[1.0]]


@pytest.mark.parametrize(
    "sample",
    [
        None,
        found({"instances": [[1, 2]]}),
        found("nothing"),
        found([ONE, 1]),
        found([ONE] * (MAX_SAMPLES + 1)),
        found({"instances": ["a"]}, "examples.json"),
        SampleFile("warm_up.json", b"[not json"),
        SampleFile("warm_up.json", problem="it is larger than 4194304 bytes"),
    ],
    ids=["none", "shape", "text", "list", "many", "example", "json", "unread"],
)
def test_without_samples_that_fit_the_golden_inputs_are_answered(
    threads: ThreadPoolExecutor, sample: SampleFile | None
) -> None:
    version = Noting()

    warm_up(serve(version, threads), Predict(), sample, golden)

    assert version.runs == [[7.0]]


def test_without_anything_it_is_not_run(threads: ThreadPoolExecutor) -> None:
    version = Noting()

    assert warm_up(serve(version, threads), Predict(), None, nothing) >= 0
    assert version.runs == []


@pytest.mark.parametrize(
    ("name", "level"), [("3/warm_up.json", logging.WARNING), ("examples.json", logging.DEBUG)]
)
def test_a_sample_that_does_not_fit_is_told_with_the_reason(
    threads: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture, name: str, level: int
) -> None:
    caplog.set_level(logging.DEBUG)

    warm_up(serve(Noting(), threads), Predict(), found({"instances": [[1, 2]]}, name), nothing)

    (record,) = [one for one in caplog.records if one.name == warming.__name__]
    assert record.levelno == level
    told = vars(record)
    assert (told["model"], told["version"], told["file"]) == ("m", 2, name)
    assert "shape" in told["why"] or "3" in told["why"]


def test_a_size_that_can_not_be_run_is_no_reason_to_refuse_the_version(
    threads: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    version = Noting(error=MemoryShort())

    warm_up(serve(version, threads, 4), Predict(), found(ONE), nothing)

    assert version.sizes == [1, 2]
    assert "sample requests don't fit" in caplog.text


def test_a_lost_process_is_a_reason(threads: ThreadPoolExecutor) -> None:
    version = Noting(error=RuntimeLost("it isn't running yet"))

    with pytest.raises(RuntimeLost):
        warm_up(serve(version, threads), Predict(), found(TWO), nothing)


def test_it_ends_when_its_time_is_over(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "WARM_UP_S", 0.0)
    version = Noting()

    warm_up(serve(version, threads, 64), Predict(), found([ONE, ONE]), nothing)

    assert version.runs == []


def test_it_is_not_counted_as_predictions_but_timed(threads: ThreadPoolExecutor) -> None:
    warm_up(serve(Noting(), threads, 4, "rehearsed"), Predict(), found(TWO), nothing)

    requests = {"model": "rehearsed", "version": "2", "outcome": "ok"}
    assert REGISTRY.get_sample_value("kerasd_predict_requests_total", requests) == 0
    timed = {"model": "rehearsed"}
    assert REGISTRY.get_sample_value("kerasd_model_warm_up_duration_seconds_count", timed) == 1


def test_a_model_of_fixed_rows_is_run_with_those(threads: ThreadPoolExecutor) -> None:
    fixed = Signature((TensorSpec("x", "float32", (2, 3)),), (TensorSpec("y", "float32", (2, 3)),))
    version = Noting(fixed)

    warm_up(serve(version, threads, 8), Predict(), None, golden)

    assert version.runs == [[7.0, 1.0]]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float32", [[0.5]]),
        ("float16", [[0.5]]),
        ("float64", [[math.pi]]),
        ("int8", [[-3]]),
        ("uint64", [[2**63]]),
        ("bool", [[True]]),
        (STRING, [["é"]]),
    ],
)
def test_a_body_gives_the_golden_inputs_back(dtype: str, values: list[list[object]]) -> None:
    spec = TensorSpec("x", dtype, (None, 1))
    facts = Facts(Identity("m", 1, ""), Signature((spec,), (spec,)), ModelConfig(), False, 10)
    inputs = {"x": np.array(values, spec.numpy_dtype)}

    body = body_of(inputs, facts.signature)

    call = Call(PredictPath("m", 1, "predict"), {}, body, math.inf)
    assert Predict().decode(call, facts).inputs["x"].tolist() == inputs["x"].tolist()


def test_golden_inputs_are_those_of_the_compiled_version(tmp_path: Path) -> None:
    bare = summing(tmp_path)
    inputs = np.array([[1, 2], [3, 4]], "float32")
    compiled = with_golden(tmp_path, bare, inputs, np.array([[3], [7]], "float32"))

    kept = golden_inputs(tmp_path, compiled)

    assert kept is not None
    assert kept["x"].tolist() == inputs.tolist()
    assert golden_inputs(tmp_path, bare) is None


def test_one_request_is_taken_as_it_stands() -> None:
    raw = b' {"instances": [NaN]}'

    assert read_bodies(SampleFile("warm_up.json", raw)) == [raw]
