"""The manifest agrees with itself and with what lies beside it."""

import hashlib

import pytest

from tests.corpus.architectures import architecture
from tests.corpus.manifest import FOLDER, read_manifest


def test_made_architectures_are_those_of_the_manifest() -> None:
    made = [(m, file) for m in read_manifest().models for file in m.part.files if not file.inner]

    for model, file in made:
        assert hashlib.sha256(architecture(model.name)).hexdigest() == file.sha256, model.name
    assert len(made) == 6


def test_small_packages_make_the_smoke_tier() -> None:
    manifest = read_manifest()

    for model in manifest.models:
        size = manifest.packages[model.part.package].size
        assert model.tier == ("smoke" if size < 9_500_000 else "full")


def test_every_module_of_classes_is_known() -> None:
    manifest = read_manifest()
    ours = {path.stem for path in (FOLDER / "classes").glob("*_classes.py")}
    fetched = {module for part in manifest.classes for module in part.modules}

    needed = {module for model in manifest.models for module in model.custom_objects}

    assert needed == ours | fetched


def test_classes_out_of_packages_are_fetched_with_the_models_that_need_them() -> None:
    manifest = read_manifest()

    with_them = manifest.parts(manifest.choose("full", ["astrorapid_ztf_tcn"]))
    without = manifest.parts(manifest.choose("full", ["toxic"]))

    assert [part.name for part in with_them] == ["astrorapid_ztf_tcn", "_classes"]
    assert [part.name for part in without] == ["toxic"]
    with pytest.raises(KeyError):
        manifest.choose("full", ["unheard-of"])
