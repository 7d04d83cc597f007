"""The fixtures are what their manifests say, and stay small."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.eras.entries import FIXTURES, MANIFEST, Entry, read_entries
from tests.eras.make import ENGINES, pack

MAX_BYTES = 3 * 1024**2
MAX_FILE_BYTES = 200_000
LEAST_SPREAD = 0.02  # of an output's largest number; a wrong layer hides in answers that are alike
ENTRIES = read_entries()


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_an_entry_is_complete(entry: Entry) -> None:
    with zipfile.ZipFile(entry.fixture) as archive:
        for facts in entry.files.values():
            content = archive.read(facts.path)
            assert len(content) == facts.size <= MAX_FILE_BYTES, facts.path
            assert hashlib.sha256(content).hexdigest() == facts.sha256, facts.path
    assert entry.purpose
    assert bool(entry.refused) != bool(entry.examples and entry.layers)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.examples], ids=str)
def test_examples_are_numbers_or_texts_and_no_pickles(entry: Entry) -> None:
    inputs, answers = entry.read_examples()

    assert inputs
    assert answers
    assert {array.dtype.kind for array in [*inputs, *answers]} <= set("fiuU")


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.examples], ids=str)
def test_answers_differ_from_row_to_row(entry: Entry) -> None:
    for answer in entry.read_examples()[1]:
        spread = (answer.max(axis=0) - answer.min(axis=0)).max()
        assert spread >= LEAST_SPREAD * np.abs(answer).max()


def test_every_engine_has_written_and_none_is_unknown() -> None:
    assert {entry.engine for entry in ENTRIES} == {engine.name for engine in ENGINES}


@pytest.mark.parametrize("engine", [engine.name for engine in ENGINES])
def test_every_file_belongs_to_an_entry(engine: str) -> None:
    mine = [entry for entry in ENTRIES if entry.engine == engine]
    known = {facts.path for entry in mine for facts in entry.files.values()}
    known |= {entry.examples for entry in mine if entry.examples}

    with zipfile.ZipFile(FIXTURES / f"{engine}.zip") as archive:
        assert set(archive.namelist()) - {MANIFEST} == known


def test_all_of_them_are_small() -> None:
    assert sum(path.stat().st_size for path in FIXTURES.iterdir()) <= MAX_BYTES


def test_a_fixture_is_the_same_whenever_it_is_packed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("text")
    pack(tmp_path / "a", tmp_path / "one.zip")
    (tmp_path / "a" / "b.txt").touch()
    pack(tmp_path / "a", tmp_path / "two.zip")

    one, two = ((tmp_path / name).read_bytes() for name in ("one.zip", "two.zip"))

    assert one == two
    assert zipfile.ZipFile(io.BytesIO(one)).namelist() == ["b.txt"]
