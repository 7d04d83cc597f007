"""What is compiled and trained fits into its container: one child too many would end all of it."""

import pytest
import yaml

from service.base.settings import Settings
from service.base.strict_json import Json
from tests.conftest import ROOT
from tests.deploy.objects import REPLICAS, of_kind, plain, pods, refusal, render

UNTOUCHED_MIB = 1536  # of the addresses of a child with TensorFlow, at least
LEAST_MIB = 2048  # of addresses: with less it can't work
WHO_COMPILES = pytest.mark.parametrize(
    ("name", "deployment"),
    [("single", "kerasd"), ("replicas", "kerasd-controller"), ("s3", "kerasd-controller")],
)


def settings_of(objects: tuple[Json, ...] | list[Json]) -> Json:
    data: Json = of_kind(objects, "ConfigMap")["kerasd-settings"]["data"]
    return data


def numbers(told: Json) -> tuple[int, int, int]:
    """Compilations at once, and the addresses of one and of a job in MiB."""
    names = ("COMPILE_JOBS", "COMPILE_MEMORY_MB", "JOB_MEMORY_MB")
    first, second, third = (int(told[f"KERASD_{name}"]) for name in names)
    return first, second, third


def taken_mib(told: Json) -> int:
    """What children may take together, one job among them."""
    compiles, compile_mib, job_mib = numbers(told)
    assert min(compile_mib, job_mib) >= LEAST_MIB
    return compiles * (compile_mib - UNTOUCHED_MIB) + job_mib - UNTOUCHED_MIB


def controller(memory: object, **settings: object) -> Json:
    resources = {"limits": {"memory": memory}}
    return REPLICAS | {"controller": {"resources": resources}, "settings": settings}


@WHO_COMPILES
def test_children_fit_beside_the_rest(name: str, deployment: str) -> None:
    pod = pods(plain(name))[f"Deployment/{deployment}"]
    assert pod["spec"]["containers"][0]["resources"]["limits"]["memory"] == "6Gi"
    assert taken_mib(settings_of(plain(name))) <= 6144 - 512


def test_kserves_children_fit_as_well() -> None:
    service = yaml.safe_load((ROOT / "deploy" / "kserve" / "inferenceservice.yaml").read_text())
    (container,) = service["spec"]["predictor"]["containers"]
    told = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    assert container["resources"]["limits"]["memory"] == "6Gi"
    assert taken_mib(told) <= 6144 - 512


@pytest.mark.parametrize("name", ["replicas", "s3"])
def test_a_web_pod_looks_at_uploads_with_half_of_its_memory(name: str) -> None:
    (container,) = pods(plain(name))["Deployment/kerasd-web"]["spec"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    limit_gib = int(container["resources"]["limits"]["memory"].removesuffix("Gi"))
    assert told["KERASD_COMPILE_MEMORY_MB"] == str(limit_gib * 512)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        ("6Gi", (1, 4352, 4352)),
        ("16Gi", (2, 6826, 6826)),
        ("6442450944", (1, 4352, 4352)),
        (6442450944, (1, 4352, 4352)),
        ("6.5G", (1, 4379, 4379)),
        ("6e9", (1, 4141, 4141)),
    ],
)
def test_they_follow_from_the_limit(memory: object, expected: tuple[int, int, int]) -> None:
    told = settings_of(render(controller(memory)))
    assert numbers(told) == expected


@pytest.mark.slow
def test_what_is_set_is_taken_and_the_rest_follows() -> None:
    told = settings_of(render(controller("8Gi", compile_jobs=3, compile_memory_mb=3000)))
    assert numbers(told) == (3, 3000, 3456)


@pytest.mark.slow
def test_jobs_of_a_ray_cluster_take_nothing_here() -> None:
    ray = {"executor": "ray", "ray_address": "http://ray:8265"}
    told = settings_of(render(controller("6Gi", **ray)))
    assert told["KERASD_COMPILE_MEMORY_MB"] == "7168"
    assert "KERASD_JOB_MEMORY_MB" not in told


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        REPLICAS | {"controller": {"resources": {"limits": {"memory": None}}}},
        REPLICAS | {"controller": {"resources": None}, "web": {"resources": None}},
        {"access": "open", "repository": {"baked": True}, "single": {
            "resources": {"limits": {"memory": "1Gi"}}
        }},
    ],
    ids=["no limit", "no resources", "nothing is compiled"],
)  # fmt: skip
def test_without_need_nothing_is_decided(values: Json) -> None:
    told = settings_of(render(values))
    assert not [name for name in told if name.endswith(("COMPILE_MEMORY_MB", "JOB_MEMORY_MB"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (controller("1Gi"), "controller.resources.limits.memory 1Gi is too little"),
        (controller("6Gi", compile_memory_mb=8192), "compile_memory_mb 8192"),
        (controller("6Gi", jobs_at_once=8), "jobs_at_once 8"),
        (controller("6 GB"), '"6 GB" is no quantity of memory'),
        (
            {"access": "open", "single": {"resources": {"limits": {"memory": "2Gi"}}}},
            "single.resources.limits.memory 2Gi is too little: beside 1536 MiB for the rest",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused(values: Json, words: str) -> None:
    assert words in refusal(values)


def test_without_the_chart_the_defaults_are_larger() -> None:
    """So the chart has to decide: two of these alone are more than its limits."""
    assert 2 * (Settings().compile_memory_mb - UNTOUCHED_MIB) > 6144
