"""The plain manifests are what the chart makes, and kubectl can take them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.write import MANIFESTS, VALUE_SETS, manifests
from tests.deploy.objects import PLAIN, of_kind, plain

HOLDS_SECRETS = ("password", "BEGIN", "postgresql://", "AKIA")


def test_there_is_one_for_each_set_of_values() -> None:
    assert {path.name for path in MANIFESTS.glob("*.yaml")} == {f"{n}.yaml" for n in VALUE_SETS}


@pytest.mark.parametrize("name", list(PLAIN))
def test_no_secret_lies_in_it(name: str) -> None:
    assert of_kind(plain(name), "Secret") == {}
    text = PLAIN[name].read_text()
    assert not [word for word in HOLDS_SECRETS if word in text]


@pytest.mark.parametrize("name", list(PLAIN))
def test_no_object_is_there_twice(name: str) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in plain(name)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", list(PLAIN))
def test_nothing_is_left_that_only_helm_reads(name: str) -> None:
    for one in plain(name):
        notes = one["metadata"].get("annotations", {"": ""})
        assert notes
        assert not [key for key in {**notes, **one["metadata"]["labels"]} if "helm" in key]
        assert "app.kubernetes.io/managed-by" not in one["metadata"]["labels"]


@pytest.mark.slow
@pytest.mark.parametrize("name", VALUE_SETS)
def test_it_is_what_the_chart_makes(name: str) -> None:
    assert PLAIN[name].read_text() == manifests()[f"{name}.yaml"]  # else: make manifests


@pytest.mark.slow
@pytest.mark.parametrize("name", VALUE_SETS)
def test_kustomize_takes_it(name: str, tmp_path: Path, kubectl: str) -> None:
    """As the base of a place's own changes, here of its namespace."""
    shutil.copy(PLAIN[name], tmp_path / "base.yaml")
    layer = {"resources": ["base.yaml"], "namespace": "models"}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(layer))
    ran = subprocess.run([kubectl, "kustomize", tmp_path], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    built = [one for one in yaml.safe_load_all(ran.stdout) if one]
    assert len(built) == len(plain(name))
    assert {one["metadata"]["namespace"] for one in built} == {"models"}
