"""The archive of a release is enough to build the images from, without the rest of the project."""

from pathlib import Path

import pytest

from release.archive import files_below
from release.context import sources
from service import __version__
from tests.images.engine import Engine
from tests.release.clones import copy_files, make_clone

pytestmark = [pytest.mark.slow, pytest.mark.image]


def test_an_image_is_built_from_the_archive_alone(
    engine: Engine, images: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone")
    copy_files(clone, tmp_path / "context", files_below(clone, *sources(clone)))

    tag = engine.build("serve", context=tmp_path / "context", tag="kerasd:context")

    assert engine.run_once(tag, "--version") == f"kerasd, version {__version__}"
    assert not (tmp_path / "context" / "tests").exists()
