"""Real files of both eras become compiled versions that answer as the Keras that wrote them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from service.base.compiled import ONNX_FILE, Compiled, digest_file, read_compiled, verify_files
from service.base.load_options import LoadOptions
from service.base.refusals import (
    ArtefactCorrupt,
    CompileFailed,
    FileUnsafe,
    ModelUnsupported,
    WeightsMismatch,
)
from service.loading.compiling import Sources, compile_version
from service.loading.tracing.samples import sample_inputs
from tests.loading import real_keras
from tests.loading.handmade import layer, sequential, write_whole
from tests.loading.real_keras import Sample

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy"),
]

Write = Callable[[Path], Sample]
PLAIN = LoadOptions()
FREE_AXIS, SEED = 9, 99  # others than those that compile_version verifies with


def _compile(
    sample: Sample,
    target: Path,
    stages: list[str] | None = None,
    options: LoadOptions = PLAIN,
) -> Compiled:
    files = {path.name: path for path in sample.files}
    digests = {name: digest_file(path) for name, path in files.items()}
    report = (stages if stages is not None else []).append
    _, compiled = compile_version(Sources(files, digests, "key", options), target, report)
    return compiled


def _assert_same_answers(sample: Sample, compiled: Compiled, folder: Path) -> None:
    inputs = sample_inputs(compiled.signature, 6, FREE_AXIS, SEED)
    session = onnxruntime.InferenceSession(folder / ONNX_FILE, providers=["CPUExecutionProvider"])

    got = session.run([spec.name for spec in compiled.signature.outputs], inputs)

    expected = sample.answer([inputs[spec.name] for spec in compiled.signature.inputs])
    for spec, mine, theirs in zip(compiled.signature.outputs, got, expected, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5, err_msg=spec.name)


@pytest.mark.parametrize(
    ("write", "notes"),
    [
        (real_keras.keras_3_whole, {"matched by name"}),
        (real_keras.keras_2_dense, {"leaky_slope", "matched by name"}),
        (real_keras.keras_2_text, {"hard_sigmoid", "dropped_arguments"}),
        (real_keras.keras_2_images, {"dropped_arguments", "matched by name"}),
        (real_keras.keras_2_functional, {"matched by name"}),
        (real_keras.keras_2_nested, {"nested_calls", "matched by name"}),
        (real_keras.architecture_2_4_legacy_weights, {"matched by name"}),
        (real_keras.architecture_2_4_modern_weights, {"matched by path"}),
        (real_keras.architecture_2_4_renamed_weights, {"matched by path"}),
        (real_keras.normalization, set()),
        (real_keras.normalization_keras_2, {"matched by name"}),
        (real_keras.keras_2_archive, {"hard_sigmoid", "batch_input_shape"}),
        (real_keras.keras_2_functional_archive, {"modules"}),
        (real_keras.nested_compiled, set()),
        (real_keras.free_length, set()),
        (real_keras.several_outputs, set()),
        (real_keras.names_in_any_script, set()),
    ],
)
def test_answers_as_the_keras_that_wrote_it(tmp_path: Path, write: Write, notes: set[str]) -> None:
    sample = write(tmp_path)

    compiled = _compile(sample, tmp_path / "compiled")

    assert compiled.runtime == "onnx", compiled.notes
    assert compiled.max_relative_error <= 1e-4
    told = "; ".join(compiled.notes)
    assert all(note in told for note in notes), told
    _assert_same_answers(sample, compiled, tmp_path / "compiled")


def test_what_is_compiled_is_recorded_and_complete(tmp_path: Path) -> None:
    stages: list[str] = []

    compiled = _compile(real_keras.keras_2_dense(tmp_path), tmp_path / "compiled", stages)

    assert read_compiled(tmp_path / "compiled") == compiled
    verify_files(tmp_path / "compiled", compiled)
    assert (compiled.format, compiled.parameters) == ("h5", 5 * 8 + 8 + 4 * 8 + 8 + 1)
    assert compiled.keras_version.startswith("2.")
    assert stages == ["inspect", "import", "load", "run", "compile", "run", "write"]


def test_the_signature_tells_names_shapes_vocabulary_and_activations(tmp_path: Path) -> None:
    text = _compile(real_keras.keras_2_text(tmp_path), tmp_path / "text").signature
    several = _compile(real_keras.several_outputs(tmp_path), tmp_path / "several").signature

    (words,) = text.inputs
    assert (words.shape, words.vocabulary) == ((None, 7), 20)
    assert [spec.name for spec in several.inputs] == ["signal"]
    assert [spec.shape for spec in several.outputs] == [(None, 2), (None, 1)]
    assert several.outputs[0].name == "kind"
    assert [spec.activation for spec in several.outputs] == ["softmax", "linear"]


def test_a_model_that_takes_texts_stays_with_tensorflow(tmp_path: Path) -> None:
    from service.loading.exported import LoadedGraph

    sample = real_keras.texts(tmp_path)

    compiled = _compile(sample, tmp_path / "compiled")

    assert compiled.runtime == "tensorflow"
    assert any(note.startswith("served by TensorFlow: ") for note in compiled.notes)
    assert not (tmp_path / "compiled" / ONNX_FILE).exists()
    inputs = sample_inputs(compiled.signature, 6, FREE_AXIS, SEED)
    (expected,) = sample.answer(list(inputs.values()))
    (got,) = LoadedGraph(tmp_path / "compiled").run(inputs).values()
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (real_keras.weights_of_another_model, "x.h5: .* has 4 layers .* the file 2"),
        (real_keras.shapes_of_another_model, r"x.weights.h5: .*\(784, 32\)"),
    ],
)
def test_weights_of_another_model_are_refused(tmp_path: Path, write: Write, words: str) -> None:
    with pytest.raises(WeightsMismatch, match=words):
        _compile(write(tmp_path), tmp_path / "compiled")

    assert not (tmp_path / "compiled").exists()


def test_code_that_a_file_brings_never_runs(tmp_path: Path) -> None:
    marker = tmp_path / "the-code-has-run"
    sample = real_keras.lambda_that_leaves(marker, tmp_path)
    stages: list[str] = []

    with pytest.raises(FileUnsafe, match="Lambda"):
        _compile(sample, tmp_path / "compiled", stages)

    assert not marker.exists()
    assert stages == ["inspect"]  # Keras never saw it


def test_a_lambda_runs_for_the_very_file_that_the_operator_vouches_for(tmp_path: Path) -> None:
    marker = tmp_path / "the-code-has-run"
    sample = real_keras.lambda_that_leaves(marker, tmp_path)
    vouched = LoadOptions(allow_lambda=digest_file(sample.files[0]))
    other = LoadOptions(allow_lambda="0" * 64)

    with pytest.raises(FileUnsafe, match="Lambda"):
        _compile(sample, tmp_path / "other", options=other)
    assert not marker.exists()
    compiled = _compile(sample, tmp_path / "compiled", options=vouched)

    assert marker.exists()
    assert "its Lambda code was run, as allow_lambda says" in compiled.notes


def test_a_model_that_can_not_be_served_is_refused_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(ModelUnsupported, match=r"model\.h5 can't be built"):
        _compile(real_keras.stateful(tmp_path), tmp_path / "compiled")


def test_the_reason_is_told_not_the_whole_configuration(tmp_path: Path) -> None:
    odd = layer("Dense", name="dense", units=3, batch_input_shape=[None, 4], colour="red")
    path = write_whole(tmp_path / "m.h5", sequential(odd))

    with pytest.raises(ModelUnsupported) as caught:
        _compile(Sample((path,), list), tmp_path / "compiled")

    assert "colour" in str(caught.value)
    assert "config=" not in str(caught.value)


def test_a_file_that_changed_meanwhile_is_not_compiled(tmp_path: Path) -> None:
    (path,) = real_keras.keras_2_dense(tmp_path).files

    with pytest.raises(CompileFailed, match="changed while it was being read"):
        compile_version(
            Sources({path.name: path}, {path.name: "0" * 64}, "key"), tmp_path / "c", print
        )


def test_a_file_that_changes_while_it_is_compiled_leaves_no_record(tmp_path: Path) -> None:
    (path,) = real_keras.keras_2_dense(tmp_path).files
    sources = Sources({path.name: path}, {path.name: digest_file(path)}, "key")

    def change(stage: str) -> None:
        if stage == "write":
            path.write_bytes(b"another file")

    with pytest.raises(CompileFailed, match="changed while it was being read"):
        compile_version(sources, tmp_path / "c", change)
    with pytest.raises(ArtefactCorrupt):
        read_compiled(tmp_path / "c")
