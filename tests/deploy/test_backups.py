"""What docs/operations.md says of Kubernetes is taken by it, fits the chart's pods, and works."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.write import PYTHON
from service.base.strict_json import Json
from tests.conftest import ROOT
from tests.deploy.objects import plain, pods
from tests.deploy.started import mount_secret
from tests.deploy.test_schemas import VERSIONS, complaints

PAGE = (ROOT / "docs" / "operations.md").read_text()
(SECTION,) = re.findall(r"^## In Kubernetes\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
OBJECTS: list[Json] = [
    one
    for block in re.findall(r"^```yaml\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    for one in yaml.safe_load_all(block)
]
SINGLE = pods(plain("single"))["Deployment/kerasd"]
DAY = "2026-11-26"


def pod_of(kind: str) -> Json:
    """What one of the page's jobs runs."""
    (job,) = (one for one in OBJECTS if one["kind"] == kind)
    spec = job["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else job["spec"]
    return dict(spec["template"]["spec"])


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_it(version: str) -> None:
    assert [one["kind"] for one in OBJECTS] == [
        "PersistentVolumeClaim", "CronJob", "PersistentVolumeClaim", "Job",
    ]  # fmt: skip
    assert complaints(PYTHON, "kubernetes_schemas", OBJECTS, version) == []


@pytest.mark.parametrize("kind", ["CronJob", "Job"])
def test_it_has_the_image_rights_and_places_of_the_pod_that_serves(kind: str) -> None:
    pod, serving = pod_of(kind), SINGLE["spec"]
    (ours,), (theirs,) = pod["containers"], serving["containers"]
    assert ours["image"] == theirs["image"]
    assert ours["securityContext"] == theirs["securityContext"]
    assert pod["securityContext"].items() <= serving["securityContext"].items()
    assert pod["enableServiceLinks"] is pod["automountServiceAccountToken"] is False
    assert pod["nodeSelector"] == serving["nodeSelector"]
    assert volume_mounts(ours) == volume_mounts(theirs)
    if kind == "CronJob":
        assert ours["envFrom"] == theirs["envFrom"]
        (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["labelSelector"]["matchLabels"].items() <= SINGLE["metadata"]["labels"].items()
        claims = {one["name"]: one.get("persistentVolumeClaim") for one in pod["volumes"]}
        assert {"name": "volume", "persistentVolumeClaim": claims["volume"]} in serving["volumes"]


def test_after_a_restore_the_new_claim_is_written_down_everywhere() -> None:
    """Told in one command alone, it would be forgotten by the next upgrade, and by the CronJob."""
    claims = [one["metadata"]["name"] for one in OBJECTS if one["kind"] == "PersistentVolumeClaim"]
    text = " ".join(SECTION.split())
    assert f"`volume: {{existingClaim: {claims[-1]}}}` belongs into `mine.yaml`" in text
    assert "the new `claimName` into the CronJob" in text
    assert "--set" not in SECTION


def volume_mounts(container: Json) -> set[tuple[str, str]]:
    """Where which folder of the volume lies."""
    mounts = container["volumeMounts"]
    return {(one["mountPath"], one["subPath"]) for one in mounts if one["name"] == "volume"}


@pytest.mark.slow
def test_what_the_one_keeps_the_other_brings_back(tmp_path: Path) -> None:
    kept, restored, backups = tmp_path / "kept", tmp_path / "restored", tmp_path / "backups"
    for folder in (kept / "state", kept / "models", restored / "models", backups):
        folder.mkdir(parents=True)
    (kept / "models" / ".upload").write_text("half")
    for old in ("2020-01-01", ".2020-01-02-killed"):
        (backups / old).mkdir()
        os.utime(backups / old, (0, 0))
    shutil.copytree(ROOT / "model_repo" / "digits", kept / "models" / "digits")
    mount_secret(tmp_path / "keys", {"keys.json": '{"format": 1, "keys": []}'})
    run_script(tmp_path, kept, backups, "kerasd migrate")

    told = run_script(tmp_path, kept, backups, script_of("CronJob"))
    (models,) = backups.glob("*-models.tar.gz")
    assert not list(backups.glob("*2020-*"))
    today = models.name.removesuffix("-models.tar.gz")
    told += run_script(tmp_path, restored, backups, script_of("Job").replace(DAY, today))

    assert told.count(f"left to you: {tmp_path}/keys/keys.json") == 2
    assert store(restored / "state") == store(kept / "state")
    assert (restored / "models" / "digits" / "model.yaml").is_file()
    assert not (restored / "models" / ".upload").exists()


def script_of(kind: str) -> str:
    (container,) = pod_of(kind)["containers"]
    assert container["command"] == ["sh", "-euc"]
    (script,) = container["args"]
    return str(script)


def run_script(here: Path, volume: Path, backups: Path, script: str) -> str:
    """What it prints with the pod's places as folders of this machine, told as by the chart."""
    kerasd = f"{sys.executable} -m service.cli.main"
    ours = re.sub(r"^kerasd ", f"{kerasd} ", script, flags=re.MULTILINE)
    for place, folder in (("/backups", backups), ("/models", volume / "models")):
        ours = re.sub(rf"(?<= ){place}", str(folder), ours)
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "KERASD_REPOSITORY": f"{volume}/models",
        "KERASD_STATE_DIR": f"{volume}/state", "KERASD_KEYS_FILE": f"{here}/keys/keys.json",
    }  # fmt: skip
    ran = subprocess.run(
        ["sh", "-euc", ours], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def store(state: Path) -> Any:
    with closing(sqlite3.connect(state / "kerasd.sqlite")) as database:
        return database.execute("SELECT store FROM installation").fetchone()
