"""The chart refuses what is wrong in clear words, before anything is installed."""

import json
import shutil
from pathlib import Path

import pytest

from deploy.chart import CHART
from deploy.write import ask_helm, rendering
from service.base.strict_json import Json
from tests.deploy.objects import REPLICAS, refusal

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mode": "cluster"}, "at '/mode': value must be one of 'single', 'replicas'"),
        ({"replicaCount": 3}, "additional properties 'replicaCount' not allowed"),
        ({"web": {"workers": 0}}, "at '/web/workers': minimum: got 0, want 1"),
        ({"web": {"workers": "2"}}, "at '/web/workers': got string, want integer"),
        (
            {"settings": {"log_levle": "INFO"}},
            "at '/settings': additional properties 'log_levle' not",
        ),
        ({"settings": {"database_url": "x"}}, "at '/settings': additional properties"),
        (
            {"settings": {"log_level": "LOUD"}},
            "at '/settings/log_level': value must be one of 'DEBUG'",
        ),
        ({"settings": {"access": "open"}}, "at '/settings': additional properties"),
        ({"image": {"digest": "sha256:12"}}, "at '/image/digest': 'sha256:12' does not match"),
        (
            {"volume": {"storageClass": "-"}},
            "at '/volume/storageClass': '-' does not match pattern",
        ),
        ({"volume": {"size": "20 GB"}}, "at '/volume/size': '20 GB' does not match pattern"),
        ({"extraEnv": [{"name": "KERASD_PORT"}]}, "at '/extraEnv/0/name': 'not' failed"),
        ({"extraVolumes": [{"name": "tmp"}]}, "at '/extraVolumes/0/name': 'not' failed"),
        ({"extraVolumeMounts": [{"name": "ca"}]}, "missing property 'mountPath'"),
        ({"commonLabels": {"app.kubernetes.io/name": "x"}}, "invalid propertyName"),
        ({"web": {"podLabels": {"a": "b c"}}}, "at '/web/podLabels/a': 'b c' does not match"),
        ({"podSecurityContext": {"privileged": True}}, "additional properties 'privileged'"),
        ({"podSecurityContext": {"runAsUser": 0}}, "minimum: got 0, want 1"),
        ({"httpRoute": {"parentRefs": [{"title": "public"}]}}, "at '/httpRoute/parentRefs/0'"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_wrong_values_are_refused(values: Json, words: str) -> None:
    assert words in refusal({"access": "open"} | values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "set keys.existingSecret or settings.oidc_issuer, or access to open"),
        ({"mode": "replicas", "access": "open"}, "set secrets.database_url.existingSecret"),
        ({"access": "open", "volume": {"enabled": False}}, "models have no place"),
        (
            REPLICAS | {"repository": {"url": "s3://b/m"}, "volume": {"enabled": False}},
            "set repository.compiledUrl",
        ),
        ({"access": "open", "repository": {"url": "s3://b", "baked": True}}, "not both"),
        ({"access": "open", "repository": {"compiledUrl": "s3://b/c"}}, "set repository.url"),
        (
            {"access": "open", "web": {"autoscaling": {"enabled": True}}},
            "autoscaling is for mode replicas",
        ),
        (
            REPLICAS | {"web": {"autoscaling": {"minReplicas": 9}}},
            "maxReplicas is less than minReplicas",
        ),
        (
            {
                "keys": {"existingSecret": "k"},
                "monitoring": {"serviceMonitor": {"enabled": True}},
            },
            "Prometheus needs a key",
        ),
        ({"access": "open", "ingress": {"enabled": True}}, "ingress.hosts is empty"),
        ({"access": "open", "httpRoute": {"enabled": True}}, "httpRoute.parentRefs is empty"),
        (
            {"access": "open", "web": {"tensorflow": {"enabled": True}}},
            "web.tensorflow is for mode replicas",
        ),
        (
            REPLICAS
            | {"web": {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}},
            "give web.resources.requests.cpu",
        ),
        (
            {"access": "open", "repository": {"controllerSecret": "s"}},
            "controller.serviceAccount are for mode replicas",
        ),
        (
            {"access": "open", "service": {"loadBalancerSourceRanges": ["192.0.2.0/24"]}},
            "is for type LoadBalancer",
        ),
        ({"access": "open", "service": {"externalTrafficPolicy": "Local"}}, "types NodePort and"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_make_no_sense_together_are_refused(values: Json, words: str) -> None:
    assert words in refusal(values)


@pytest.mark.parametrize("name", ["7up", "team.prod"])
def test_a_release_whose_name_makes_no_service_is_refused(name: str) -> None:
    asked = rendering({"access": "open"}) | {"name": name}
    named = rendering({"access": "open", "fullnameOverride": "models"}) | {"name": name}
    refused, taken = ask_helm([asked, named])
    assert f"a Service can't be called {name}-kerasd" in refused["error"]
    assert "error" not in taken


def test_an_old_cluster_has_no_containers_beside_others(tmp_path: Path) -> None:
    """Helm's library renders for one version: the copy of the chart is told another one."""
    shutil.copytree(CHART, tmp_path / "kerasd")
    checks = tmp_path / "kerasd" / "templates" / "_checks.tpl"
    checks.write_text(checks.read_text().replace(".Capabilities.KubeVersion.Version", '"v1.28.9"'))
    values = REPLICAS | {"web": {"tensorflow": {"enabled": True}}}
    old, new = ask_helm(
        [rendering(values) | {"chart": str(tmp_path / "kerasd")}, rendering(values)]
    )
    assert "has since 1.29; this is v1.28.9" in old["error"]
    assert "error" not in new
