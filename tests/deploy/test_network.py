"""Network policies: nothing is allowed but what stands here, for every pod of the release."""

import pytest

from service.base.strict_json import Json
from tests.deploy.objects import PLAIN, of_kind, plain, pods, render, rendered, selects

DNS = {("UDP", 53), ("TCP", 53)}
SETS = pytest.mark.parametrize("name", list(PLAIN))


def policies_of(name: str, pod: Json) -> list[Json]:
    return [
        policy["spec"]
        for policy in of_kind(plain(name), "NetworkPolicy").values()
        if selects(policy["spec"]["podSelector"]["matchLabels"], pod)
    ]


def pod_of(name: str, component: str) -> Json:
    (pod,) = (
        pod
        for pod in pods(plain(name)).values()
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] == component
    )
    return pod


def ingress(name: str, component: str) -> list[Json]:
    policies = policies_of(name, pod_of(name, component))
    return [rule for policy in policies for rule in policy.get("ingress") or []]


def egress(name: str, component: str) -> list[Json]:
    policies = policies_of(name, pod_of(name, component))
    return [rule for policy in policies for rule in policy.get("egress") or []]


def ports(rule: Json) -> set[tuple[str, int]]:
    return {(port["protocol"], port["port"]) for port in rule["ports"]}


@SETS
def test_every_pod_is_denied_what_is_not_allowed(name: str) -> None:
    for pod in pods(plain(name)).values():
        denying = [
            policy
            for policy in policies_of(name, pod)
            if not policy.get("ingress") and not policy.get("egress")
        ]
        assert [policy["policyTypes"] for policy in denying] == [["Ingress", "Egress"]]


@SETS
def test_a_policy_of_its_own_says_what_each_may(name: str) -> None:
    for pod in pods(plain(name)).values():
        assert len(policies_of(name, pod)) == 2


@pytest.mark.parametrize(
    ("name", "component"), [("single", "single"), ("replicas", "web"), ("s3", "web")]
)
def test_only_the_port_of_requests_is_open(name: str, component: str) -> None:
    rules = ingress(name, component)
    assert all(ports(rule) == {("TCP", 8080)} for rule in rules)
    assert all(rule["from"] for rule in rules)  # an empty list would be the whole world
    monitoring = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert [{"namespaceSelector": monitoring}] in [rule["from"] for rule in rules]


def test_who_may_ask_is_the_cluster_or_those_who_were_named() -> None:
    assert ingress("single", "single")[0]["from"] == [{"namespaceSelector": {}}]
    named = ingress("replicas", "web")[0]["from"]
    assert len(named) == 2
    assert {"namespaceSelector": {}} not in named
    assert set(named[1]) == {"namespaceSelector", "podSelector"}


@pytest.mark.parametrize("name", ["replicas", "s3"])
@pytest.mark.parametrize("component", ["controller", "migrate"])
def test_nobody_may_ask_who_answers_nothing(name: str, component: str) -> None:
    assert ingress(name, component) == []


@pytest.mark.parametrize(
    ("name", "component", "open_ports"),
    [
        ("single", "single", DNS),
        ("replicas", "web", DNS | {("TCP", 5432)}),
        ("replicas", "controller", DNS | {("TCP", 5432), ("TCP", 443)}),  # the webhook
        ("replicas", "migrate", DNS | {("TCP", 5432)}),
        ("s3", "web", DNS | {("TCP", 5432), ("TCP", 443)}),
        ("s3", "controller", DNS | {("TCP", 5432), ("TCP", 443)}),
        ("s3", "migrate", DNS | {("TCP", 5432)}),
    ],
)
def test_ways_out_are_few(name: str, component: str, open_ports: set[tuple[str, int]]) -> None:
    rules = egress(name, component)
    assert set().union(*map(ports, rules)) == open_ports
    for rule in rules:
        if ports(rule) == DNS:
            kube_system = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
            assert rule["to"] == [{"namespaceSelector": kube_system}]


def test_places_can_be_narrowed() -> None:
    to_database = next(r for r in egress("replicas", "web") if ports(r) == {("TCP", 5432)})
    to_bucket = next(r for r in egress("s3", "web") if ports(r) == {("TCP", 443)})
    assert "namespaceSelector" in to_database["to"][0]
    assert to_bucket["to"] == [{"ipBlock": {"cidr": "198.51.100.0/24"}}]


@pytest.mark.slow
def test_the_namespace_of_prometheus_may_have_other_labels_alone() -> None:
    told = {"access": "open", "networkPolicy": {"monitoringNamespace": {"team": "obs"}}}
    policy = of_kind(render(told), "NetworkPolicy")["kerasd-single"]["spec"]
    namespaces = [one["from"][0].get("namespaceSelector") for one in policy["ingress"]]
    assert {"matchLabels": {"team": "obs"}} in namespaces


@pytest.mark.slow
def test_the_policy_of_the_migration_is_there_before_it() -> None:
    for name in ("replicas", "s3"):
        assert [one["kind"] for one in plain(name)[:2]] == ["Job", "NetworkPolicy"]
        objects = rendered(name)
        policy = of_kind(objects, "NetworkPolicy")["kerasd-migrate"]["metadata"]["annotations"]
        job = of_kind(objects, "Job")["kerasd-migrate"]["metadata"]["annotations"]
        assert policy["helm.sh/hook"] == job["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert int(policy["helm.sh/hook-weight"]) < int(job["helm.sh/hook-weight"])
