"""Every object that is made is one that a cluster takes, without fields that it would ignore."""

import copy
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.write import PYTHON, VALUE_SETS
from service.base.strict_json import Json
from tests.conftest import ROOT
from tests.deploy.objects import render, rendered

PROGRAMS = Path(__file__).parent / "programs"
CLIENTS = ROOT / ".clients" / "bin" / "python"
KSERVE = ROOT / "deploy" / "kserve" / "inferenceservice.yaml"
OPERATOR = "monitoring.coreos.com/v1"
VERSIONS = ("1.27", "1.32", "1.37")  # the oldest that the chart takes, and the newest with schemas

pytestmark = pytest.mark.slow


def complaints(python: Path, program: str, objects: list[Json], *arguments: str) -> list[str]:
    """What a program has against objects."""
    ran = subprocess.run(
        [python, PROGRAMS / f"{program}.py", *arguments],
        input=json.dumps(objects), capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def everything_on() -> list[Json]:
    """Each value that makes a field of its own."""
    placed = {
        "podAnnotations": {"a/b": "c"},
        "podLabels": {"mesh": "in"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "models", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "priorityClassName": "high",
    }
    return render({
        "mode": "replicas",
        "image": {"pullSecrets": ["registry"], "tag": "1.2.3"},
        "keys": {"existingSecret": "kerasd-keys"},
        "secrets": {name: {"existingSecret": "s"} for name in ("database_url", "ray_token")},
        "commonLabels": {"team": "shop"},
        "extraVolumes": [{"name": "ca", "configMap": {"name": "company-ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/company", "readOnly": True}],
        "extraEnv": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://otel:4318"}],
        "web": {**placed, "autoscaling": {"enabled": True, "behavior": {"scaleUp": {}}}},
        "controller": {
            **placed,
            "scratch": {"existingClaim": "mirror"},
            "serviceAccount": {"create": True, "annotations": {"a/b": "c"}},
        },
        "migration": {"podLabels": {"mesh": "out"}, "podAnnotations": {"a/b": "c"}},
        "ingress": {"enabled": True, "hosts": ["a.example.org", "b.example.org"]},
        "data": {"existingClaim": "rows"},
        "service": {
            "type": "LoadBalancer", "port": 8080, "annotations": {"a/b": "c"},
            "loadBalancerSourceRanges": ["192.0.2.0/24"], "externalTrafficPolicy": "Local",
        },
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/k"}},
    })  # fmt: skip


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != "1.27"])
def test_a_container_beside_the_others_is_taken_since_it_is_known(version: str) -> None:
    tensorflow = {"web": {"tensorflow": {"enabled": True}}}
    secrets = {"database_url": {"existingSecret": "s"}}
    keys = {"existingSecret": "kerasd-keys"}
    objects = render({"mode": "replicas", "keys": keys, "secrets": secrets, **tensorflow})
    assert complaints(PYTHON, "kubernetes_schemas", core(objects), version) == []


def core(objects: list[Json]) -> list[Json]:
    return [one for one in objects if one["apiVersion"] != OPERATOR]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", VALUE_SETS)
def test_kubernetes_takes_what_the_chart_makes(name: str, version: str) -> None:
    assert complaints(PYTHON, "kubernetes_schemas", core([*rendered(name)]), version) == []


def test_kubernetes_takes_it_with_every_value_given() -> None:
    assert complaints(PYTHON, "kubernetes_schemas", core(everything_on()), VERSIONS[0]) == []


def test_the_check_would_notice() -> None:
    objects = [copy.deepcopy(one) for one in rendered("single") if one["kind"] == "Deployment"]
    objects[0]["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    assert "readinesProbe" in complaints(PYTHON, "kubernetes_schemas", objects, VERSIONS[-1])[0]


def test_the_operator_takes_monitors_and_rules() -> None:
    objects = [one for one in rendered("replicas") if one["apiVersion"] == OPERATOR]
    assert sorted(one["kind"] for one in objects) == ["PrometheusRule", "ServiceMonitor"]
    assert complaints(PYTHON, "operator_types", objects) == []


def test_the_operators_check_would_notice() -> None:
    (monitor,) = (copy.deepcopy(o) for o in rendered("replicas") if o["kind"] == "ServiceMonitor")
    monitor["spec"]["endpoints"][0]["pathh"] = "/metrics"
    assert complaints(PYTHON, "operator_types", [monitor]) != []


def test_kserve_takes_the_example() -> None:
    assert complaints(CLIENTS, "kserve_types", [yaml.safe_load(KSERVE.read_text())]) == []


def test_kserves_check_would_notice() -> None:
    service = yaml.safe_load(KSERVE.read_text())
    service["spec"]["predictor"]["minReplica"] = 1
    service["spec"]["predictor"]["containers"][0]["ports"][0]["containerPort"] = "8080"
    found = complaints(CLIENTS, "kserve_types", [service])
    assert len(found) == 2
    assert "InferenceService.spec.predictor.minReplica: no such field" in found
