"""`model.yaml`: what an operator may write there, and what they read when it is wrong."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from service.base.refusals import ModelConfigInvalid
from service.base.signature import Signature, TensorSpec
from service.repository.model_config import (
    MAX_CONFIG_BYTES,
    Capture,
    Latest,
    ModelConfig,
    Specific,
    VersionPolicy,
    misfit,
    read_model_config,
)
from service.repository.states import State, VersionRow


def _read(folder: Path, text: str | bytes) -> ModelConfig:
    content = text.encode() if isinstance(text, str) else text
    (folder / "model.yaml").write_bytes(content)
    return read_model_config(folder)


def _signature(*shape: int | None) -> Signature:
    return Signature((), (TensorSpec("y", "float32", shape),))


def test_without_the_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_model_config(tmp_path) == ModelConfig()
    assert read_model_config(tmp_path / "no-such-folder") == ModelConfig()


@pytest.mark.parametrize("text", ["", "# only a remark\n", "---\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    assert _read(tmp_path, text) == ModelConfig()


def test_reads_every_word(tmp_path: Path) -> None:
    config = _read(
        tmp_path,
        "description: Is it spam?\ntask: binary\nlabels: [ham, spam]\nthreshold: 0.9\n",
    )

    assert config == ModelConfig(
        description="Is it spam?", task="binary", labels=("ham", "spam"), threshold=0.9
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("label: [a]", ["label:"]),
        ("task: clustering", ["task", "multiclass"]),
        ("threshold: 1.5", ["threshold", "less than or equal to 1"]),
        ("threshold: .nan", ["threshold"]),
        ("labels: [no, yes]", ["labels.0", "string"]),  # YAML reads them as false and true
        ("labels: ['']", ["labels.0"]),
        ("labels: [a, b, a]", ["labels must differ"]),
        ("task: binary\nlabels: [a, b, c]", ["exactly two labels"]),
        ("task: regression\nlabels: [a]", ["no labels"]),
        ("labels: [a, b]\nthresholds: {c: 0.3}", ["thresholds", "'c'", "none of the labels"]),
        ("labels: [a, b]\nthresholds: {a: 2}", ["thresholds.a", "less than or equal to 1"]),
        ("task: binary\nlabels: [a, b]\nthresholds: {a: 0.3}", ["binary", "one threshold"]),
        ("- a\n- b", ["keys and values", "list"]),
        ("just text", ["keys and values", "str"]),
        ("1: 2", ["1"]),
    ],
)
def test_a_wrong_word_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ModelConfigInvalid) as caught:
        _read(tmp_path, text)

    assert str(caught.value).startswith("model.yaml: ")
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "text",
    [
        "labels: [a",
        "a: b: c",
        "description: 2024-99-99",  # looks like a date
        "description: !!timestamp soon",
        "? !!bool maybe\n: 1",
        "description: !!int ''",
        "description: !!python/object/apply:os.system ['true']",
        "a: 1\n---\na: 2",
        "description: \x07",
        "labels: !!set {a, b}",
        "max_rows: 1" + ":59" * 400 + ".5",
        'description: "\\UFFFFFFFF"',
        b"description: \xff",
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_one_line(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ModelConfigInvalid) as caught:
        _read(tmp_path, text)

    assert "\n" not in str(caught.value)


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)]

    with pytest.raises(ModelConfigInvalid, match="aliases"):
        _read(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_deep_nesting_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelConfigInvalid):
        _read(tmp_path, text)


def test_an_endless_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ModelConfigInvalid, match="larger than"):
        _read(tmp_path, b"#" * (MAX_CONFIG_BYTES + 1))


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.yaml")

    assert read_model_config(tmp_path) == ModelConfig()


@pytest.mark.parametrize(
    ("config", "signature"),
    [
        (ModelConfig(labels=("a", "b", "c")), _signature(None, 3)),
        (ModelConfig(labels=("no", "yes")), _signature(None, 1)),  # one sigmoid tells two classes
        (ModelConfig(task="binary"), _signature(None, 2)),
        (ModelConfig(labels=("a", "b")), _signature(None, None)),
        (ModelConfig(labels=("a", "b")), _signature(None, 28, 28)),
        (ModelConfig(), _signature(None, 7)),
    ],
)
def test_a_configuration_that_fits(config: ModelConfig, signature: Signature) -> None:
    assert misfit(config, signature) == ""


@pytest.mark.parametrize(
    ("config", "signature", "words"),
    [
        (ModelConfig(labels=("a", "b")), _signature(None, 3), ["2 labels", "3 classes"]),
        (ModelConfig(labels=("a", "b", "c")), _signature(None, 1), ["3 labels", "2 classes"]),
        (ModelConfig(task="binary"), _signature(None, 10), ["task binary", "10 outputs"]),
        (ModelConfig(task="multilabel"), _signature(None, 1), ["multilabel", "two labels"]),
        (ModelConfig(task="multilabel"), _signature(None, 4, 3), ["multilabel", "(None, 4, 3)"]),
    ],
)
def test_a_configuration_that_does_not_fit_says_both_numbers(
    config: ModelConfig, signature: Signature, words: list[str]
) -> None:
    assert all(word in misfit(config, signature) for word in words)


def test_a_link_that_leads_out_of_the_repository_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("api_key: [SECRET, oops\n")
    folder = tmp_path / "repository" / "m"
    folder.mkdir(parents=True)
    (folder / "model.yaml").symlink_to(tmp_path / "secret.yaml")

    with pytest.raises(ModelConfigInvalid, match="leads out of the repository"):
        read_model_config(folder)


def test_a_broken_document_is_told_by_its_line_and_never_quoted(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("description: x\nlabels: [SECRET, oops\nthreshold: 1\n")

    with pytest.raises(ModelConfigInvalid, match="line ") as caught:
        read_model_config(tmp_path)

    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Latest(latest=1)),
        ("version_policy: all", "all"),
        ("version_policy: {latest: 3}", Latest(latest=3)),
        ("version_policy: {specific: [1, 3]}", Specific(specific=(1, 3))),
    ],
)
def test_a_version_policy_reads_and_is_stored(
    tmp_path: Path, text: str, expected: VersionPolicy
) -> None:
    config = _read(tmp_path, text)

    assert config.version_policy == expected
    stored = config.model_dump(mode="json", exclude_defaults=True)
    assert ModelConfig(**stored) == config


@pytest.mark.parametrize(
    "policy",
    [
        "newest", "{}", "{latest: 0}", "{latest: '2'}", "{latest: 1.5}", "{latest: true}",
        "{specific: []}", "{specific: [0]}", "{specific: 3}", "{latest: 1, specific: [2]}", "3",
        "{latest: 10000000000}", "{specific: [99999999999999999999]}",
    ],
)  # fmt: skip
def test_another_version_policy_is_refused_in_one_sentence(tmp_path: Path, policy: str) -> None:
    with pytest.raises(
        ModelConfigInvalid,
        match=r"version_policy: expected all, \{latest: N\} or \{specific: \[N, "
        r"\.\.\.\]\} with N from 1 to 9999999999$",
    ):
        _read(tmp_path, f"version_policy: {policy}")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('description: "\\ud800"', "description"),
        ('description: "\\0"', "description"),
        ('description: "\\x1b[2J"', "description"),
        ("description: " + "x" * 10_001, "description"),
        ('labels: ["\\ud800", b]', "labels.0"),
        ('labels: ["a\\nb"]', "labels.0"),
        ('signature: "\\ud800"', "signature"),
        ('version_labels: {"\\ud800": 1}', "unicode string"),
        ('version_labels: {"a\\tb": 1}', "version_labels"),
        ('"\\ud800": 1', "unicode string"),
        ('custom_objects: ["\\ud800"]', "custom_objects.0"),
        ('task: "\\ud800"', "task"),
    ],
)
def test_what_no_database_or_answer_takes_is_no_text(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(ModelConfigInvalid, match=word) as caught:
        _read(tmp_path, text)

    assert str(caught.value).encode().decode().isprintable()


def test_a_description_has_lines_and_every_script(tmp_path: Path) -> None:
    text = "Für α\n\tund 漢字 😀\n"
    config = _read(tmp_path, "description: |\n  Für α\n  \tund 漢字 😀\n")

    assert config.description == text
    assert _read(tmp_path, "labels: [é, 漢]").labels == ("é", "漢")


@pytest.mark.parametrize(
    "text",
    [
        "version_labels: {a: 99999999999999999999}",
        "max_rows: 99999999999999999999",
        "max_body_mb: .inf",
        "max_body_mb: 1e300",
        "timeout_ms: .inf",
        "timeout_ms: 1e308",
        "allow_lambda: {99999999999999999999: " + "0" * 64 + "}",
        "batching: {max_batch_size: 99999999999999999999}",
        "batching: {max_wait_ms: .nan}",
        "feedback: {horizon_days: 0}",
        "feedback: {horizon_days: .inf}",
        "feedback: {horizon_days: 3651}",
        "capture: {fraction: 1.5}",
        "capture: {fraction: .nan}",
        "capture: {retention_days: 0}",
        "capture: {retention_days: 1e9}",
    ],
)
def test_a_number_that_no_database_holds_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelConfigInvalid, match=text.partition(":")[0]):
        _read(tmp_path, text)


def test_how_long_labels_are_taken_is_nothing_to_load_anew_for(tmp_path: Path) -> None:
    usual, longer = _read(tmp_path, ""), _read(tmp_path, "feedback: {horizon_days: 90}")

    assert (usual.feedback.horizon_days, longer.feedback.horizon_days) == (30, 90)
    rows = [VersionRow("m", 1, State.READY, config=config) for config in (usual, longer)]
    assert rows[0].identity == rows[1].identity


def test_what_is_captured_is_nothing_to_load_anew_for(tmp_path: Path) -> None:
    usual, told = _read(tmp_path, ""), _read(tmp_path, "capture: {fraction: 0.5, drop: ['x[3]']}")

    assert usual.capture == Capture(fraction=0, retention_days=30, drop=())
    assert (told.capture.fraction, told.capture.drop) == (0.5, ("x[3]",))
    rows = [VersionRow("m", 1, State.READY, config=config) for config in (usual, told)]
    assert rows[0].identity == rows[1].identity


def test_how_sequences_are_padded_belongs_to_a_version_and_must_fit_it() -> None:
    padded = ModelConfig.model_validate({"sequences": {"padding": "post", "max_length": 9}})
    row = VersionRow("m", 1, State.READY, artefact="a")
    series = TensorSpec("x", "float32", (None, None, 6))
    fixed = TensorSpec("x", "float32", (None, 5, 6))

    assert replace(row, config=padded).identity != row.identity
    assert misfit(padded, Signature((series,), (series,))) == ""
    assert "takes 5 steps, but max_length is 9" in misfit(padded, Signature((fixed,), (series,)))
