"""Every pod of the plain manifests: its rights, its places, its probes, its end, its image."""

import re
from typing import Any

import pytest
import yaml

from service.base.graces import Graces
from service.base.settings import Settings
from service.base.strict_json import Json
from service.web.server import Server
from tests.conftest import ROOT
from tests.deploy.objects import PLAIN, of_kind, plain, pods

KSERVE = yaml.safe_load((ROOT / "deploy" / "kserve" / "inferenceservice.yaml").read_text())
GRACES = Graces(Settings().predict_timeout_s)
PREDICTOR = {"metadata": KSERVE["metadata"], "spec": KSERVE["spec"]["predictor"]}
ALL = {f"{name}: {pod}": one for name in PLAIN for pod, one in pods(plain(name)).items()}
ALL["kserve: predictor"] = PREDICTOR
ANSWERING = {name: pod for name, pod in ALL.items() if pod["spec"]["containers"][0].get("ports")}

each_pod = pytest.mark.parametrize("pod", ALL.values(), ids=list(ALL))
each_answering = pytest.mark.parametrize("pod", ANSWERING.values(), ids=list(ANSWERING))


def containers(pod: Json) -> list[Json]:
    spec = pod["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def environment(pod: Json) -> dict[str, Any]:
    """What is told in plain text, settings' ConfigMap included."""
    told: dict[str, Any] = {}
    for container in containers(pod):
        for source in container.get("envFrom", []):
            name = source["configMapRef"]["name"]
            told |= next(
                of_kind(plain(one), "ConfigMap")[name]["data"]
                for one in PLAIN
                if pod in pods(plain(one)).values()
            )
        told |= {one["name"]: one["value"] for one in container.get("env", []) if "value" in one}
    return told


def window_s(probe: Json) -> int:
    """How long a probe may fail before something is done."""
    return int(probe["periodSeconds"]) * int(probe.get("failureThreshold", 3))


def test_there_are_these_pods() -> None:
    assert sorted(ALL) == [
        "kserve: predictor",
        "replicas: Deployment/kerasd-controller",
        "replicas: Deployment/kerasd-web",
        "replicas: Job/kerasd-migrate",
        "s3: Deployment/kerasd-controller",
        "s3: Deployment/kerasd-web",
        "s3: Job/kerasd-migrate",
        "single: Deployment/kerasd",
    ]
    assert len(ANSWERING) == 4


@each_pod
def test_a_pod_keeps_to_the_restricted_standard(pod: Json) -> None:
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["runAsGroup"] == 10001
    assert spec["securityContext"]["fsGroup"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(spec)
    for container in containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container.get("ports", []))
    for volume in spec.get("volumes", []):
        kind = next(key for key in volume if key != "name")
        assert kind in ("emptyDir", "secret", "projected", "persistentVolumeClaim")


@each_pod
def test_a_pod_has_no_token_of_the_cluster_and_no_variables_of_services(pod: Json) -> None:
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["enableServiceLinks"] is False  # KERASD_PORT=tcp://... would be a setting


@each_pod
def test_a_pod_can_write_where_it_has_to_and_nowhere_else(pod: Json) -> None:
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    for container in containers(pod):
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        assert {mount["name"] for mount in mounts.values()} <= set(volumes)
        assert volumes[mounts["/tmp"]["name"]]["emptyDir"]["sizeLimit"]
        if "migrate" not in container["name"]:
            assert volumes[mounts["/dev/shm"]["name"]]["emptyDir"]["medium"] == "Memory"
            assert "/var/lib/kerasd" in mounts
        for mount in mounts.values():
            is_secret = {"secret", "projected"} & set(volumes[mount["name"]])
            assert bool(is_secret) == mount.get("readOnly", False)


@each_pod
def test_a_container_says_what_it_needs(pod: Json) -> None:
    for container in containers(pod):
        assert container["resources"]["requests"]["cpu"]
        assert container["resources"]["requests"]["memory"]
        assert container["resources"]["limits"]["memory"]


@each_pod
def test_an_image_is_pinned(pod: Json) -> None:
    for container in containers(pod):
        assert re.fullmatch(r".+(@sha256:[0-9a-f]{64}|:\d+\.\d+\.\d+(-serve)?)", container["image"])


@each_pod
def test_a_pod_runs_where_its_image_does(pod: Json) -> None:
    assert pod["spec"]["nodeSelector"] == {"kubernetes.io/arch": "amd64"}


@each_pod
def test_secrets_are_references(pod: Json) -> None:
    secret = {"KERASD_DATABASE_URL", "KERASD_WEBHOOK", "KERASD_RAY_TOKEN", "KERASD_API_KEY"}
    told = environment(pod)
    assert not secret & set(told)
    assert not any(re.search("secret_access|password|token", name, re.I) for name in told)
    assert not any("@" in str(value) for value in told.values())


@each_pod
def test_what_is_told_are_settings(pod: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {key: str(value) for key, value in environment(pod).items() if key[:7] == "KERASD_"}
    known = {f"KERASD_{name.upper()}" for name in Settings.model_fields}
    assert set(told) <= known
    for key, value in told.items():
        monkeypatch.setenv(key, value)
    Settings()


@each_answering
def test_the_probes_mean_it(pod: Json) -> None:
    (container,) = containers(pod)
    startup, live = container["startupProbe"], container["livenessProbe"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert startup["httpGet"]["path"] == "/readyz"  # no liveness before everything is loaded
    assert live["httpGet"]["path"] == "/livez"
    assert window_s(startup) >= 1800
    hangs_s = Server(Settings()).cfg.timeout
    assert window_s(live) >= 2 * hangs_s  # a worker that hangs is replaced without the pod
    assert live["timeoutSeconds"] >= 5
    assert container["ports"][0]["containerPort"] == 8080


@each_answering
def test_a_pod_gets_the_time_to_end(pod: Json) -> None:
    drain_s = float(environment(pod)["KERASD_DRAIN_S"])
    (container,) = containers(pod)
    assert drain_s >= window_s(container["readinessProbe"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > drain_s + GRACES.outside_s
