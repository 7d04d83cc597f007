"""What single values make of pods, names and ways in."""

from typing import Any

import pytest

from deploy.write import ask_helm, rendering
from service.base.strict_json import Json
from tests.deploy.objects import REPLICAS, of_kind, plain, pods, render, selects

BUCKET: dict[str, Json] = {
    "repository": {"url": "s3://models/m", "compiledUrl": "s3://models/c"},
    "volume": {"enabled": False},
}
pytestmark = pytest.mark.slow


def spec_of(objects: list[Json] | tuple[Json, ...], pod: str) -> Json:
    spec: Json = pods(objects)[pod]["spec"]
    return spec


def variables(spec: Json) -> dict[str, Any]:
    (container,) = spec["containers"]
    return {one["name"]: one.get("value") or one["valueFrom"] for one in container["env"]}


def bucket_secret(spec: Json) -> str:
    reference = variables(spec)["AWS_SECRET_ACCESS_KEY"]["secretKeyRef"]
    return str(reference["name"])


def test_every_pod_finds_a_certificate_of_an_own_authority() -> None:
    volume = {"name": "authority", "configMap": {"name": "company-ca"}}
    mount = {"name": "authority", "mountPath": "/etc/company", "readOnly": True}
    ca = {"name": "AWS_CA_BUNDLE", "value": "/etc/company/ca.crt"}
    given = {"extraVolumes": [volume], "extraVolumeMounts": [mount], "extraEnv": [ca]}
    tensorflow = {"web": {"tensorflow": {"enabled": True}}}
    found = pods(render({**REPLICAS, **given, **tensorflow}))
    single = pods(render({"access": "open", **given}))
    started = {**found, **single}
    del started["Pod/kerasd-test"]
    assert len(started) == 4
    for pod in started.values():
        assert volume in pod["spec"]["volumes"]
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            assert mount in container["volumeMounts"]
            assert ca in container["env"]


def test_the_controller_alone_may_write_compiled_versions() -> None:
    web = spec_of(plain("s3"), "Deployment/kerasd-web")
    controller = spec_of(plain("s3"), "Deployment/kerasd-controller")
    assert bucket_secret(web) == "kerasd-bucket-web"
    assert bucket_secret(controller) == "kerasd-bucket-controller"
    accounts = [web["serviceAccountName"], controller["serviceAccountName"]]
    assert accounts == ["kerasd", "kerasd-controller"]
    assert set(of_kind(plain("s3"), "ServiceAccount")) == set(accounts)


def test_without_an_identity_of_its_own_the_controller_has_that_of_the_others() -> None:
    bucket = {**BUCKET["repository"], "existingSecret": "shared"}
    objects = render({**REPLICAS, **BUCKET, "repository": bucket})
    controller = spec_of(objects, "Deployment/kerasd-controller")
    assert bucket_secret(controller) == "shared"
    assert controller["serviceAccountName"] == "kerasd"


@pytest.mark.parametrize(
    ("account", "name", "made"),
    [
        ({"create": True, "annotations": {"a/b": "c"}}, "kerasd-controller", True),
        ({"create": True, "name": "writer"}, "writer", True),
        ({"name": "writer"}, "writer", False),
    ],
    ids=["made", "made and named", "there"],
)
def test_the_controllers_account(account: Json, name: str, made: bool) -> None:
    objects = render({**REPLICAS, "controller": {"serviceAccount": account}})
    assert spec_of(objects, "Deployment/kerasd-controller")["serviceAccountName"] == name
    assert spec_of(objects, "Deployment/kerasd-web")["serviceAccountName"] == "kerasd"
    accounts = of_kind(objects, "ServiceAccount")
    assert (name in accounts) == made
    if "annotations" in account:
        assert accounts[name]["metadata"]["annotations"] == {"a/b": "c"}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "default"),
        ({"serviceAccount": {"create": False, "name": "ml"}}, "ml"),
        ({"serviceAccount": {"create": False}}, "default"),
        ({"migration": {"serviceAccountName": "pulls"}}, "pulls"),
    ],
    ids=["made", "there", "neither", "its own"],
)
def test_the_migration_has_an_account_that_is_there_before(values: Json, name: str) -> None:
    spec = spec_of(render({**REPLICAS, **values}), "Job/kerasd-migrate")
    assert spec["serviceAccountName"] == name


def test_labels_are_on_pods_and_never_in_selectors() -> None:
    labels = {"web": {"mesh": "in"}, "controller": {"mesh": "out"}, "migration": {"mesh": "none"}}
    values = {**REPLICAS, "commonLabels": {"team": "shop", "mesh": "all"}}
    objects = render(values | {name: {"podLabels": one} for name, one in labels.items()})
    found = {name: pod["metadata"]["labels"] for name, pod in pods(objects).items()}
    assert {name: one["mesh"] for name, one in found.items()} == {
        "Deployment/kerasd-controller": "out",
        "Deployment/kerasd-web": "in",
        "Job/kerasd-migrate": "none",
        "Pod/kerasd-test": "all",
    }
    assert {one["metadata"]["labels"]["team"] for one in objects} == {"shop"}
    for deployment, one in of_kind(objects, "Deployment").items():
        wanted = one["spec"]["selector"]["matchLabels"]
        assert not {"team", "mesh"} & set(wanted)
        assert selects(wanted, pods(objects)[f"Deployment/{deployment}"])


def test_openshift_may_give_users_and_groups() -> None:
    nothing = {"runAsUser": None, "runAsGroup": None, "fsGroup": None}
    for pod in pods(render({**REPLICAS, "podSecurityContext": nothing})).values():
        assert pod["spec"]["securityContext"] == {
            "runAsNonRoot": True,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }


def test_the_controllers_copy_of_a_bucket_has_a_size_or_a_claim_of_its_own() -> None:
    scratch = {"size": "300Gi", "existingClaim": "mirror"}
    with_claim = render({**REPLICAS, **BUCKET, "controller": {"scratch": scratch}})
    volumes = {one["name"]: one for one in spec_of(plain("s3"), "Deployment/kerasd-web")["volumes"]}
    assert volumes["state"]["emptyDir"] == {"sizeLimit": "10Gi"}
    controller = spec_of(with_claim, "Deployment/kerasd-controller")
    volumes = {one["name"]: one for one in controller["volumes"]}
    assert volumes["state"]["persistentVolumeClaim"] == {"claimName": "mirror"}
    assert volumes["tmp"]["emptyDir"] == {"sizeLimit": "300Gi"}
    for pod in (controller, spec_of(with_claim, "Deployment/kerasd-web")):
        assert pod["containers"][0]["resources"]["requests"]["ephemeral-storage"]


@pytest.mark.parametrize("writable", [False, True])
def test_data_files_are_written_where_jobs_run_and_nowhere_else(writable: bool) -> None:
    data = {"data": {"existingClaim": "rows", "writable": writable}}
    replicas = render({**REPLICAS, **data})
    found = {
        name: (mount, volume)
        for name, pod in pods([*replicas, *render({"access": "open", **data})]).items()
        for mount in pod["spec"]["containers"][0].get("volumeMounts", [])
        for volume in pod["spec"].get("volumes", [])
        if mount["name"] == volume["name"] == "data"
    }
    reads = {name: mount["readOnly"] for name, (mount, _) in found.items()}
    assert reads == {
        "Deployment/kerasd-web": True,
        "Deployment/kerasd-controller": not writable,
        "Deployment/kerasd": not writable,
    }
    for mount, volume in found.values():
        assert volume["persistentVolumeClaim"]["readOnly"] == mount["readOnly"]


@pytest.mark.parametrize(
    ("values", "found"),
    [({}, None), (BUCKET, "0"), ({**BUCKET, "settings": {"capture_mb": 64}}, "64")],
)
def test_no_inputs_are_captured_where_nobody_would_look_after_them(
    values: dict[str, Json], found: str | None
) -> None:
    settings = of_kind(render({**REPLICAS, **values}), "ConfigMap")["kerasd-settings"]["data"]
    assert settings.get("KERASD_CAPTURE_MB") == found


def test_a_rollout_may_take_as_long_as_a_start() -> None:
    for one in of_kind(render({**REPLICAS, "startupMinutes": 90}), "Deployment").values():
        assert one["spec"]["progressDeadlineSeconds"] > 90 * 60


def test_a_longer_prediction_has_its_time_at_the_end() -> None:
    objects = render({**REPLICAS, "settings": {"predict_timeout_s": 120.5}})
    web = spec_of(objects, "Deployment/kerasd-web")
    assert web["terminationGracePeriodSeconds"] == 10 + 45 + 121


def test_the_autoscaler_behaves_as_told() -> None:
    policies = [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    scaling = {"enabled": True, "behavior": {"scaleDown": {"policies": policies}}}
    objects = render({**REPLICAS, "web": {"autoscaling": scaling}})
    (scaler,) = of_kind(objects, "HorizontalPodAutoscaler").values()
    down = scaler["spec"]["behavior"]["scaleDown"]
    assert down == {"policies": policies, "stabilizationWindowSeconds": 300}


def test_nodes_of_a_component_are_among_those_of_all() -> None:
    own = {"web": {"nodeSelector": {"disk": "ssd"}}, "nodeSelector": {"kubernetes.io/os": "linux"}}
    found = {
        name: set(pod["spec"]["nodeSelector"]) for name, pod in pods(render(REPLICAS | own)).items()
    }
    everywhere = {"kubernetes.io/arch", "kubernetes.io/os"}
    assert found.pop("Deployment/kerasd-web") == {"disk", *everywhere}
    assert list(found.values()) == [everywhere] * 3
    for nothing in (None, {"kubernetes.io/arch": None}):
        anywhere = pods(render({"access": "open", "nodeSelector": nothing}))
        assert not any("nodeSelector" in pod["spec"] for pod in anywhere.values())


def test_constraints_of_ones_own_replace_the_spread() -> None:
    own = [{"topologyKey": "rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}]
    objects = render({**REPLICAS, "web": {"topologySpreadConstraints": own}})
    assert spec_of(objects, "Deployment/kerasd-web")["topologySpreadConstraints"] == own


def test_several_hosts_lead_to_the_service() -> None:
    hosts = ["models.example.org", "*.models.example.org"]
    ingress = {"enabled": True, "hosts": hosts, "tlsSecret": "tls"}
    (one,) = of_kind(render({**REPLICAS, "ingress": ingress}), "Ingress").values()
    assert [rule["host"] for rule in one["spec"]["rules"]] == hosts
    assert one["spec"]["tls"] == [{"hosts": hosts, "secretName": "tls"}]


def test_a_gateways_route_leads_to_the_service() -> None:
    parents = [{"name": "public", "namespace": "gateways"}]
    route = {"enabled": True, "parentRefs": parents, "hostnames": ["models.example.org"]}
    objects = render({**REPLICAS, "httpRoute": route, "service": {"port": 8080}})
    (one,) = of_kind(objects, "HTTPRoute").values()
    assert one["spec"] == {
        "parentRefs": parents,
        "hostnames": ["models.example.org"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": "kerasd", "port": 8080}],
            }
        ],
    }
    assert "kerasd" in of_kind(objects, "Service")


def notes(values: Json) -> str:
    (answer,) = ask_helm([rendering(values)])
    text: str = answer["manifests"]["kerasd/templates/NOTES.txt"]
    return text


def test_notes_warn_of_ways_out_to_everywhere() -> None:
    to = {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    open_values = {**REPLICAS, **BUCKET}
    warned = notes(open_values)
    assert "at port 5432, as networkPolicy.database.to is empty" in warned
    assert "and at port 443, as networkPolicy.repository.to is empty" in warned
    narrowed = {"networkPolicy": {"database": to, "repository": to}}
    assert "WARNING" not in notes(open_values | narrowed)
    assert "WARNING" not in notes({"access": "open"})


def test_notes_warn_of_a_way_in_that_nobody_comes_through() -> None:
    balanced: Json = {"access": "open", "service": {"type": "LoadBalancer"}}
    block = {"web": {"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}}
    assert "networkPolicy.web.from has no ipBlock" in notes(balanced)
    assert "WARNING" not in notes(balanced | {"networkPolicy": block})
    assert "WARNING" not in notes(balanced | {"networkPolicy": {"enabled": False}})


def test_notes_tell_how_the_first_model_comes() -> None:
    text = notes({"keys": {"existingSecret": "k"}})
    assert "export KERASD_API_KEY=..." in text
    assert "kerasd models upload MODEL FILES --wait --url http://localhost:8080" in text
    hosts = {"enabled": True, "hosts": ["a.example.org", "b.example.org"], "tlsSecret": "tls"}
    text = notes({"access": "open", "ingress": hosts})
    assert "KERASD_API_KEY" not in text
    assert "  https://a.example.org/\n  https://b.example.org/\n" in text


def test_a_load_balancer_lets_in_who_may() -> None:
    service = {
        "type": "LoadBalancer",
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
        "externalTrafficPolicy": "Local",
    }
    (one,) = of_kind(render({**REPLICAS, "service": service}), "Service").values()
    assert service.items() <= one["spec"].items()
