"""The page on Kubernetes is true: its values install, its kustomization builds, names exist."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.chart import CHART
from deploy.write import MANIFESTS
from service.base.strict_json import Json
from tests.conftest import ROOT
from tests.deploy.objects import render
from tests.deploy.test_schemas import VERSIONS

TEXT = (ROOT / "docs" / "deploy-kubernetes.md").read_text()
DIGEST = "sha256:" + "0" * 64
BLOCKS: list[Json] = [
    yaml.safe_load(block.replace("sha256:...", DIGEST))
    for block in re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
]
VALUES = [block for block in BLOCKS if "resources" not in block]
KINDS = "web|controller|single|migration|repository|scratch|volume|image|service|serviceAccount"
KINDS += "|networkPolicy|monitoring|ingress|httpRoute|podSecurityContext"
KUSTOMIZATIONS = [block for block in BLOCKS if "resources" in block]
NEEDED = {
    "keys": {"existingSecret": "kerasd-keys"},
    "secrets": {"database_url": {"existingSecret": "kerasd-database"}},
}


def test_there_are_examples_of_both() -> None:
    assert len(VALUES) == 6
    assert len(KUSTOMIZATIONS) == 1


def test_values_that_are_named_are_there() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for name in re.findall(rf"`((?:{KINDS})(?:\.[\w-]+)+)[`:]", TEXT):
        if name.endswith(".yaml"):
            continue
        found: Any = values
        for part in name.removesuffix(".cpu").split("."):
            assert part in found, name
            found = found[part]


def test_versions_that_are_named_are_those_that_are_tested() -> None:
    assert f"Kubernetes {VERSIONS[0]}, {VERSIONS[1]} and {VERSIONS[2]}" in TEXT
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={VERSIONS[0]}.0-0"


@pytest.mark.slow
@pytest.mark.parametrize("values", VALUES, ids=lambda values: ",".join(values))
def test_the_values_install(values: Json) -> None:
    assert render(NEEDED | values)


@pytest.mark.slow
def test_the_kustomization_builds(tmp_path: Path, kubectl: str) -> None:
    (kustomization,) = KUSTOMIZATIONS
    shutil.copytree(MANIFESTS, tmp_path / "base")
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    ran = subprocess.run([kubectl, "kustomize", tmp_path], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert f"registry.mine.example/kerasd@{DIGEST}" in ran.stdout
    assert f"registry.mine.example/kerasd-serve@{DIGEST}" in ran.stdout
    assert "models.mine.example" in ran.stdout
    assert "example.org" not in ran.stdout
    assert "models-example-org" not in ran.stdout
