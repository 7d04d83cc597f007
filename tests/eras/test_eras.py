"""A file of any era is served with the answers of the engine that wrote it, or refused in words."""

import gc
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from service.base.child import Child
from service.base.compiled import Compiled, digest_file, read_compiled
from service.base.confinement import Limits
from service.base.refusals import FileRefused, ModelUnsupported
from service.loading.compiling import Sources, compile_version
from service.loading.inspection import inspect_files
from service.runtime.onnx import OnnxVersion
from tests.eras.entries import Entry, read_entries
from tests.running import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask attached to it"),
]

ENTRIES = read_entries()
LIMITS = Limits(address_space=16 * 1024**3, cpu_s=200, file_size=1024**3)
CHILD_S = 250.0


@pytest.fixture(autouse=True)
def _forget_models() -> Iterator[None]:
    """So that hundreds of models in one process don't add up."""
    yield
    import keras

    keras.utils.clear_session(free_memory=False)
    gc.collect()


def _sources(entry: Entry, folder: Path) -> Sources:
    files = entry.lay_out(folder / "files")
    digests = {name: digest_file(path) for name, path in files.items()}
    return Sources(files, digests, "key")


def _compile(entry: Entry, folder: Path) -> Path:
    """Compile here, which is quick; what Keras 3 can't build goes the long way of the service."""
    sources = _sources(entry, folder)
    target = folder / "compiled"
    try:
        compile_version(sources, target, lambda stage: None)
    except ModelUnsupported:
        if not inspect_files(sources.files).is_legacy:
            raise
        return _compile_in_child(sources, folder)
    return target


def _compile_in_child(sources: Sources, folder: Path) -> Path:
    task = {
        "kind": "compile", "files": {name: str(path) for name, path in sources.files.items()},
        "digests": dict(sources.digests), "key": sources.key, "options": sources.options.as_json(),
    }  # fmt: skip
    child = Child(task, LIMITS, CHILD_S, folder / "children", time.monotonic())
    wait_until(lambda: child.poll(time.monotonic()) is not None, "the child to end", CHILD_S + 10)
    outcome = child.poll(time.monotonic())
    assert outcome is not None
    assert outcome.ok, outcome.message
    return child.folder / "compiled"


def _answer(folder: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    compiled = read_compiled(folder)
    specs = compiled.signature.inputs
    assert [len(spec.shape) for spec in specs] == [array.ndim for array in inputs]
    tensors = {
        spec.name: array if spec.dtype == "string" else array.astype(spec.dtype)
        for spec, array in zip(specs, inputs, strict=True)
    }
    outputs = _run(folder, compiled, tensors)
    return [outputs[spec.name] for spec in compiled.signature.outputs]


def _run(
    folder: Path, compiled: Compiled, tensors: dict[str, np.ndarray]
) -> Mapping[str, np.ndarray]:
    if compiled.runtime == "onnx":
        return OnnxVersion(folder, compiled).run(tensors)
    from service.loading.exported import LoadedGraph

    return LoadedGraph(folder).run(tensors)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if not e.refused], ids=str)
def test_answers_as_its_own_engine(entry: Entry, tmp_path: Path) -> None:
    inputs, expected = entry.read_examples()

    answers = _answer(_compile(entry, tmp_path), inputs)

    assert [mine.shape for mine in answers] == [theirs.shape for theirs in expected]
    for mine, theirs in zip(answers, expected, strict=True):
        scale = float(np.abs(theirs).max())
        assert float(np.abs(mine - theirs).max()) <= entry.tolerance * scale
        if theirs.ndim == 2 and theirs.shape[1] > 1:
            np.testing.assert_array_equal(mine.argmax(axis=1), theirs.argmax(axis=1))


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.refused], ids=str)
def test_refused_with_a_reason(entry: Entry, tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as caught:
        compile_version(_sources(entry, tmp_path), tmp_path / "compiled", lambda stage: None)

    assert entry.refused in str(caught.value)
