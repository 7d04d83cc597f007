"""SavedModel folders whose graph reads, writes, kills, or never ends."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.attacks.case import Case, Corpus
from tests.attacks.family import CODE, CORRUPT, CRASH, HANG, READ, RESOURCE

Graph = Callable[[Any], dict[str, Any]]

KIND = "savedmodel"
MUST = "refuse: the graph holds an op that is not on the list of pure compute ops"
SECURITY = "TensorFlow SECURITY.md"
SIGNATURE = "serving_default"


def add_saved_models(corpus: Corpus) -> None:
    """Write every SavedModel; a good one must be there already."""
    _add_writers(corpus)
    _add_readers(corpus)
    _add_killers(corpus)
    _add_asset(corpus)
    _add_broken(corpus)


def write_writing_model(path: Path, target: Path) -> None:
    """A SavedModel that writes to `target` when it is run."""
    _save(path, _writing(target))


def _writing(target: Path) -> Graph:
    def graph(x: Any) -> dict[str, Any]:
        with tf.control_dependencies([tf.io.write_file(str(target), "ran\n")]):
            return {"y": tf.identity(x)}

    return graph


def _save(path: Path, graph: Graph) -> None:
    shutil.rmtree(path, ignore_errors=True)
    module = tf.Module()
    spec = tf.TensorSpec([None, 4], tf.float32, name="x")
    module.f = tf.function(graph, input_signature=[spec])
    tf.saved_model.save(module, str(path), signatures={SIGNATURE: module.f})


def _add(corpus: Corpus, draft: Case, graph: Graph) -> None:
    path = corpus.models / draft.id
    _save(path, graph)
    corpus.add(replace(draft, kind=KIND, ref=SECURITY), path)


def _add_writers(corpus: Corpus) -> None:
    markers = corpus.markers

    def printing(x: Any) -> dict[str, Any]:
        stream = f"file://{markers / 'sm_print'}"
        with tf.control_dependencies([tf.print(x, output_stream=stream)]):
            return {"y": tf.identity(x)}

    def saving(x: Any) -> dict[str, Any]:
        data = [tf.constant([1])]
        target = str(markers / "sm_save")
        save = tf.raw_ops.Save(filename=target, tensor_names=["t"], data=data)
        with tf.control_dependencies([save]):
            return {"y": tf.identity(x)}

    for case, attacks, marker, graph in (
        ("sm_writefile", "op WriteFile", "sm_writefile", _writing(markers / "sm_writefile")),
        ("sm_print_to_file", "op PrintV2 with a file:// stream", "sm_print", printing),
        ("sm_save_op", "op Save (missed by two-entry deny-lists)", "sm_save", saving),
    ):
        draft = Case(case, CODE, attacks, MUST, marker_path=f"markers/{marker}")
        _add(corpus, draft, graph)
    _add(
        corpus,
        Case("sm_pyfunc", CODE, "op EagerPyFunc", MUST),
        lambda x: {"y": tf.py_function(lambda t: t, [x], tf.float32)},
    )


def _add_readers(corpus: Corpus) -> None:
    canary = corpus.canary
    _add(
        corpus,
        Case("sm_readfile", READ, "op ReadFile", MUST, payload="canary"),
        lambda _: {"y": tf.io.read_file(str(canary / "secret.txt"))},
    )
    _add(
        corpus,
        Case("sm_matchingfiles", READ, "op MatchingFiles (lists a folder)", MUST),
        lambda _: {"y": tf.io.matching_files(str(canary / "*"))},
    )


def _add_killers(corpus: Corpus) -> None:
    def aborting(x: Any) -> dict[str, Any]:
        abort = tf.raw_ops.Abort(error_msg="abort case", exit_without_error=False)
        with tf.control_dependencies([abort]):
            return {"y": tf.identity(x)}

    must = "refuse or answer 504 within the time limit; the worker must survive"
    _add(
        corpus,
        Case("sm_endless", HANG, "op While that never ends", must, "refuse_bounded"),
        lambda x: {"y": tf.while_loop(lambda i: True, lambda i: (i + 1.0,), [x])[0]},
    )
    _add(corpus, Case("sm_abort", CRASH, "op Abort (kills the process)", MUST), aborting)
    must = "refuse or answer an error; the server must survive"
    attacks = "the graph allocates 160 GB when run"
    _add(
        corpus,
        Case("sm_alloc_160g", RESOURCE, attacks, must, "refuse_bounded"),
        lambda x: {"y": tf.zeros([200_000, 200_000]) + tf.reduce_sum(x)},
    )


def _add_asset(corpus: Corpus) -> None:
    """A table whose words come from a file outside of the folder."""
    path = corpus.models / "sm_asset_traversal"
    shutil.rmtree(path, ignore_errors=True)
    words = corpus.canary / "vocab.txt"
    words.write_text("aa\nbb\n")
    index = tf.lookup.TextFileIndex
    lines = tf.lookup.TextFileInitializer(
        str(words), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
    )
    module = tf.Module()
    module.t = tf.lookup.StaticHashTable(lines, -1)
    spec = tf.TensorSpec([None], tf.string, name="x")
    module.f = tf.function(lambda x: {"y": module.t.lookup(x)}, input_signature=[spec])
    tf.saved_model.save(module, str(path), signatures={SIGNATURE: module.f})
    graph = saved_model_pb2.SavedModel()
    graph.ParseFromString((path / "saved_model.pb").read_bytes())
    for asset in graph.meta_graphs[0].asset_file_def:
        asset.filename = "../../../canary/secret.txt"
    (path / "saved_model.pb").write_bytes(graph.SerializeToString())
    draft = Case(
        path.name,
        READ,
        "asset_file_def.filename = ../../../canary/secret.txt",
        "refuse: asset outside the model's folder",
        ref=SECURITY,
        kind=KIND,
        payload="canary",
        input="string1",
    )
    corpus.add(draft, path)


def _add_broken(corpus: Corpus) -> None:
    def cut(path: Path, share: float) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    def data_of(path: Path) -> Path:
        return next((path / "variables").glob("variables.data*"))

    def write(path: Path, content: bytes) -> None:
        path.write_bytes(content)

    graph, garbage = "saved_model.pb", b"\x00\xff" * 300
    edits: tuple[tuple[str, Callable[[Path], None], str], ...] = (
        ("sm_truncated_pb", lambda p: cut(p / graph, 0.6), f"{graph} cut at 60 %"),
        ("sm_garbage_pb", lambda p: write(p / graph, b"\xff" * 500), f"{graph} is garbage"),
        ("sm_empty_pb", lambda p: write(p / graph, b""), f"{graph} is empty"),
        ("sm_no_variables", lambda p: shutil.rmtree(p / "variables"), "variables/ missing"),
        ("sm_truncated_data", lambda p: cut(data_of(p), 0.5), "variables.data cut in half"),
        (
            "sm_garbage_index",
            lambda p: write(p / "variables" / "variables.index", garbage),
            "variables.index is garbage",
        ),
        ("sm_no_pb", lambda p: (p / graph).unlink(), f"{graph} missing"),
    )
    for case, edit, attacks in edits:
        path = corpus.models / case
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(corpus.models / "control_savedmodel", path)
        edit(path)
        corpus.add(Case(case, CORRUPT, attacks, kind=KIND), path)
