"""The commands that ask the running service: what they send, print, and say when it fails."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from service.base.refusals import FileBroken
from service.cli.ask import read_rows
from tests.cli.command import kerasd
from tests.scripted import Line, scripted

AXES = [{"size": "-1", "name": ""}, {"size": "2", "name": ""}]
TENSOR = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": AXES, "unknown_rank": False}, "name": "t"}
METADATA = Line(body={"metadata": {"signature_def": {"signature_def": {"serving_default": {
    "inputs": {"x": TENSOR}, "outputs": {"y": TENSOR}, "method_name": "predict",
}}}}})  # fmt: skip
DECIDED = Line(body={
    "predictions": [[0.25, 0.75]],
    "decisions": [{"class_index": 1, "label": "[odd]", "score": 0.75, "margin": 0.5}],
    "model_version": "3",
})  # fmt: skip


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    return path


@pytest.mark.parametrize("suffix", [".npy", ".json", ".csv"])
def test_rows_come_from_files_of_every_kind(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    if suffix == ".npy":
        np.save(path, np.array([[1.0, 2.0]]))
    else:
        path.write_text('{"instances": [[1.0, 2.0]]}' if suffix == ".json" else "a,b\n1,2\n")
    assert read_rows(path) == [[1.0, 2.0]]


def test_an_object_without_instances_is_told_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"inputs": [[1.0, 2.0]]}')
    with pytest.raises(FileBroken, match=r"an object with instances, got \['inputs'\]"):
        read_rows(tmp_path / "rows.json")


def test_rows_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(FileBroken, match="can't be read as rows"):
        read_rows(tmp_path / "rows.npy")


def test_predictions_are_a_table_with_their_decisions(rows: Path) -> None:
    with scripted(METADATA, DECIDED) as server:
        ran = kerasd("predict", "m", "--input", str(rows), "--version", "3", "--url", server.url)
    assert ran.returncode == 0, ran.stderr
    assert [word in ran.stdout for word in ("[odd]", "0.7500", "0.5000", "version 3")] == [True] * 4
    assert server.asked[1].path == "/v1/models/m/versions/3:predict"
    assert orjson.loads(server.asked[1].body) == {"instances": [[1.0, 2.0]]}


def test_predictions_without_decisions_are_shown_as_they_are(rows: Path) -> None:
    answer = Line(body={"predictions": [[1.5, 2.5]], "model_version": "1"})
    with scripted(METADATA, answer) as server:
        ran = kerasd("predict", "m", "--input", str(rows), "--url", server.url)
    assert "[1.5, 2.5]" in ran.stdout


def test_json_is_the_services_answer(rows: Path) -> None:
    with scripted(DECIDED) as server:
        ran = kerasd("predict", "m", "--input", str(rows), "--json", "--url", server.url)
    assert orjson.loads(ran.stdout) == DECIDED.body


def test_models_are_a_table() -> None:
    version = {
        "model": "digits", "version": 1, "state": "READY", "served": True, "loaded": True,
        "current": True, "labels": ["stable"], "reason": "",
    }  # fmt: skip
    with scripted(Line(body={"models": ["digits"], "versions": [version]})) as server:
        ran = kerasd("models", "--url", server.url)
        as_json = kerasd("models", "--json", "--url", server.url)
    assert "digits" in ran.stdout
    assert "all" in ran.stdout
    assert "stable" in ran.stdout
    assert orjson.loads(as_json.stdout)["versions"] == [version]


def test_models_of_a_strict_service_have_only_names() -> None:
    with scripted(Line(body={"models": ["digits"]})) as server:
        ran = kerasd("models", "--url", server.url)
    assert ran.returncode == 0, ran.stderr
    assert "digits" in ran.stdout


@pytest.mark.parametrize(
    ("status", "why", "hint"),
    [
        (401, "A good key or token is needed", "KERASD_API_KEY, or after --key"),
        (404, "Servable not found for request: Specific(m, 7)", "kerasd models lists"),
        (404, "Could not find any versions of model m", "kerasd models lists"),
    ],
)
def test_a_refusal_says_what_the_command_line_can_do(
    rows: Path, status: int, why: str, hint: str
) -> None:
    with scripted(Line(status, {"error": why})) as server:
        ran = kerasd("predict", "m", "--input", str(rows), "--url", server.url)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"kerasd: The service answered {status}: {why}; ")
    assert hint in ran.stderr


def test_a_refusal_is_one_line_and_not_asked_for_again(rows: Path) -> None:
    with scripted(Line(503, {"error": "not ready"}, {"Retry-After": "1"})) as server:
        ran = kerasd("predict", "m", "--input", str(rows), "--url", server.url)
    assert ran.returncode == 1
    assert ran.stderr == "kerasd: The service answered 503: not ready\n"
    assert len(server.asked) == 1


def test_an_artefact_replaces_no_file_unless_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text("mine")
    with scripted(Line(body=b"loss")) as server:
        ran = kerasd("jobs", "artefacts", "j", "train.csv", "--url", server.url)
        assert (ran.returncode, server.asked) == (2, [])
        assert "say --output train.csv to replace it" in ran.stderr
        assert (tmp_path / "train.csv").read_text() == "mine"
        told = ("--output", "train.csv", "--url", server.url)
        assert kerasd("jobs", "artefacts", "j", "train.csv", *told).returncode == 0
    assert (tmp_path / "train.csv").read_text() == "loss"
