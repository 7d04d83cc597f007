"""What the plain manifests make run: how many, how they are replaced, scaled, found and fed."""

import os

import pytest
import yaml
from fsspec.asyn import sync

from service.base.metric_folder import WORKER_BYTES
from service.base.strict_json import Json
from service.cli.migrate import PAUSE_S
from service.repository.remote.address import read_address
from service.repository.remote.system import open_store
from tests.conftest import ROOT
from tests.deploy.objects import PLAIN, of_kind, plain, pods, rendered, selects

REPLICAS = pytest.mark.parametrize("name", ["replicas", "s3"])


def environment(name: str) -> Json:
    data: Json = of_kind(plain(name), "ConfigMap")["kerasd-settings"]["data"]
    return data


def mounts(pod: Json) -> dict[str, str]:
    """What is mounted where, with the folder of the volume if it is one."""
    (container,) = pod["spec"]["containers"]
    return {
        m["mountPath"]: f"{m['name']}/{m.get('subPath', '')}" for m in container["volumeMounts"]
    }


@REPLICAS
def test_a_web_pod_goes_when_the_next_one_is_ready(name: str) -> None:
    web = of_kind(plain(name), "Deployment")["kerasd-web"]["spec"]
    assert web["strategy"]["type"] == "RollingUpdate"
    assert web["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize(
    ("name", "deployment"),
    [("single", "kerasd"), ("replicas", "kerasd-controller"), ("s3", "kerasd-controller")],
)
def test_there_is_never_a_second_controller(name: str, deployment: str) -> None:
    spec = of_kind(plain(name), "Deployment")[deployment]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("name", list(PLAIN))
def test_a_deployment_finds_its_own_pods_and_no_others(name: str) -> None:
    templates = pods(plain(name))
    for deployment, spec in of_kind(plain(name), "Deployment").items():
        wanted = spec["spec"]["selector"]["matchLabels"]
        found = [key for key, pod in templates.items() if selects(wanted, pod)]
        assert found == [f"Deployment/{deployment}"]


@pytest.mark.parametrize("name", list(PLAIN))
def test_the_service_leads_to_those_who_answer(name: str) -> None:
    (service,) = of_kind(plain(name), "Service").values()
    (port,) = service["spec"]["ports"]
    found = [pod for pod in pods(plain(name)).values() if selects(service["spec"]["selector"], pod)]
    ports = [one["ports"] for pod in found for one in pod["spec"]["containers"]]
    assert ports == [[{"name": port["targetPort"], "containerPort": 8080}]]
    assert service["spec"]["type"] == "ClusterIP"


def test_scaling_and_disruptions_fit_together() -> None:
    (scaler,) = of_kind(plain("replicas"), "HorizontalPodAutoscaler").values()
    (budget,) = of_kind(plain("replicas"), "PodDisruptionBudget").values()
    web = of_kind(plain("replicas"), "Deployment")["kerasd-web"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == web["metadata"]["name"]
    assert "replicas" not in web["spec"]  # or each upgrade would undo the scaling
    assert scaler["spec"]["minReplicas"] > budget["spec"]["maxUnavailable"]
    assert budget["spec"]["selector"]["matchLabels"] == web["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize(
    ("name", "deployment"),
    [("single", "kerasd"), ("replicas", "kerasd-web"), ("s3", "kerasd-web")],
)
def test_there_is_a_processor_for_each_worker(name: str, deployment: str) -> None:
    web = of_kind(plain(name), "Deployment")[deployment]
    (container,) = web["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"]["cpu"] == environment(name)["KERASD_WORKERS"]


def test_without_scaling_there_are_as_many_as_were_asked_for() -> None:
    assert of_kind(plain("s3"), "HorizontalPodAutoscaler") == {}
    assert of_kind(plain("s3"), "Deployment")["kerasd-web"]["spec"]["replicas"] == 3


@REPLICAS
def test_web_pods_are_spread(name: str) -> None:
    spec = of_kind(plain(name), "Deployment")["kerasd-web"]["spec"]["template"]["spec"]
    spread = spec["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    assert {one["whenUnsatisfiable"] for one in spread} == {"ScheduleAnyway"}


def test_one_volume_of_one_pod_is_enough_for_a_single_one() -> None:
    (claim,) = of_kind(plain("single"), "PersistentVolumeClaim").values()
    (pod,) = pods(plain("single")).values()
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert mounts(pod)["/models"] == "volume/models"
    assert mounts(pod)["/var/lib/kerasd"] == "volume/state"
    assert environment("single")["KERASD_REPOSITORY"] == "/models"


def test_replicas_share_a_folder_and_keep_one_for_themselves() -> None:
    (claim,) = of_kind(plain("replicas"), "PersistentVolumeClaim").values()
    told = environment("replicas")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for deployment in of_kind(plain("replicas"), "Deployment").values():
        there = mounts(deployment["spec"]["template"])
        assert there[told["KERASD_REPOSITORY"]] == "volume/models"
        assert there[told["KERASD_SHARED_DIR"]] == "volume/shared"
        assert there[told["KERASD_STATE_DIR"]] == "state/"


def test_with_a_bucket_there_is_no_volume() -> None:
    told = environment("s3")
    assert told["KERASD_REPOSITORY"] == "s3://models/production"
    assert told["KERASD_COMPILED_URL"] == "s3://models/compiled"
    assert of_kind(plain("s3"), "PersistentVolumeClaim") == {}
    for pod in pods(plain("s3")).values():
        assert not any("persistentVolumeClaim" in volume for volume in pod["spec"]["volumes"])


def bucket_variables(pod: Json) -> dict[str, str]:
    told = {one["name"]: one.get("value", "x") for one in pod["spec"]["containers"][0]["env"]}
    return {name: value for name, value in told.items() if name.startswith("AWS_")}


def test_the_region_of_a_bucket_reaches_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    service = yaml.safe_load((ROOT / "deploy" / "kserve" / "inferenceservice.yaml").read_text())
    told = [bucket_variables(pod) for pod in pods(plain("s3")).values()]
    told.append(bucket_variables({"spec": service["spec"]["predictor"]}))
    assert len(told) == 4
    for variables in told:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            system = open_store(read_address("s3://models/m", "repository"))._system
            client = sync(system.loop, system.set_session)
        assert client.meta.region_name == "eu-central-1"


@pytest.mark.slow
def test_a_volume_outlives_the_release() -> None:
    for name in ("single", "replicas"):
        (claim,) = of_kind(rendered(name), "PersistentVolumeClaim").values()
        assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@REPLICAS
def test_the_database_is_told_to_those_who_need_it_and_the_rest_to_the_controller(
    name: str,
) -> None:
    found = {}
    for pod, template in pods(plain(name)).items():
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        sources = volumes["secrets"]["projected"]["sources"]
        found[pod] = [item["path"] for s in sources for item in s["secret"]["items"]]
    assert found["Deployment/kerasd-web"] == ["kerasd_database_url"]
    assert found["Job/kerasd-migrate"] == ["kerasd_database_url"]
    also = ["kerasd_webhook"] if name == "replicas" else []
    assert found["Deployment/kerasd-controller"] == ["kerasd_database_url", *also]


def test_the_ingress_leads_to_the_service() -> None:
    (ingress,) = of_kind(plain("replicas"), "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"]["name"] in of_kind(plain("replicas"), "Service")
    assert ingress["spec"]["tls"] == [{"hosts": [rule["host"]], "secretName": "models-example-org"}]


def test_large_numbers_are_told_as_numbers() -> None:
    assert environment("replicas")["KERASD_MAX_ROWS"] == "1000000"


@pytest.mark.parametrize("name", list(PLAIN))
def test_there_is_memory_for_the_counters_of_all_workers(name: str) -> None:
    for deployment in of_kind(plain(name), "Deployment").values():
        volumes = deployment["spec"]["template"]["spec"]["volumes"]
        (memory,) = (one["emptyDir"] for one in volumes if one["name"] == "shared-memory")
        room = int(memory["sizeLimit"].removesuffix("Mi")) * 1024**2
        assert room >= 2 * int(environment(name)["KERASD_WORKERS"]) * WORKER_BYTES


@REPLICAS
def test_a_migration_has_failed_before_helm_gives_up(name: str) -> None:
    (job,) = of_kind(plain(name), "Job").values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    wait_s = int(container["args"][-1])
    tries = job["spec"]["backoffLimit"] + 1
    assert tries * (wait_s + PAUSE_S) + 10 < job["spec"]["activeDeadlineSeconds"] < 300


def test_the_model_of_kserve_is_named_as_its_service() -> None:
    text = (ROOT / "deploy" / "kserve" / "inferenceservice.yaml").read_text()
    name = yaml.safe_load(text)["metadata"]["name"]
    assert f"/v1/models/{name}:predict" in text
    assert f"s3://models/kserve/{name}/1/" in text
