"""Real files of the small packages, downloaded, served by a real service, and compared."""

import pytest

from tests.corpus.fetch import fetch
from tests.corpus.manifest import read_manifest
from tests.corpus.run import run
from tests.corpus.table import Row, totals

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    manifest = read_manifest()
    models = manifest.choose("smoke")
    cache = tmp_path_factory.mktemp("corpus")
    fetch(manifest.parts(models), manifest.packages, cache)
    return run(models, cache)


def test_every_file_is_served_as_its_keras_computes_it(rows: list[Row]) -> None:
    assert [row.line() for row in rows if not row.is_as_expected] == []
    assert len(rows) == 9


def test_all_that_can_be_is_served_by_onnx_runtime(rows: list[Row]) -> None:
    assert {row.model.name: row.runtime for row in rows if row.runtime != "onnx"} == {}


def test_totals_are_told(rows: list[Row]) -> None:
    assert totals(rows).startswith("9 of 9 served, 9 of them by ONNX Runtime; ")
