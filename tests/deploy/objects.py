"""Objects of Kubernetes as tests read them: from the manifests, and fresh from the chart."""

from functools import lru_cache

import yaml

from deploy.write import MANIFESTS, VALUE_SETS, ask_helm, rendering, values_of
from service.base.strict_json import Json

PLAIN = {name: MANIFESTS / f"{name}.yaml" for name in VALUE_SETS}
POD_KINDS = ("Deployment", "Job")
# The least that mode replicas asks for.
REPLICAS: Json = {
    "mode": "replicas",
    "access": "open",
    "secrets": {"database_url": {"existingSecret": "kerasd-database"}},
}


def read(text: str) -> list[Json]:
    """The objects of a text with several documents."""
    return [one for one in yaml.safe_load_all(text) if one]


@lru_cache
def plain(name: str) -> tuple[Json, ...]:
    """The plain manifests of one set of values."""
    return tuple(read(PLAIN[name].read_text()))


def render(values: Json) -> list[Json]:
    """What the chart makes of values, the pod of `helm test` included."""
    (answer,) = ask_helm([rendering(values)])
    assert "error" not in answer, answer["error"]
    return [
        one
        for path, text in sorted(answer["manifests"].items())
        if path.endswith(".yaml")
        for one in read(text)
    ]


@lru_cache
def rendered(name: str) -> tuple[Json, ...]:
    """What the chart makes of one of the sets of values."""
    return tuple(render(values_of(name)))


def refusal(values: Json) -> str:
    """Why the chart refuses values."""
    (answer,) = ask_helm([rendering(values)])
    return str(answer["error"])


def of_kind(objects: tuple[Json, ...] | list[Json], kind: str) -> dict[str, Json]:
    """The objects of one kind, by name."""
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def pods(objects: tuple[Json, ...] | list[Json]) -> dict[str, Json]:
    """Each pod that would run, by the kind and name of what makes it, with labels and spec."""
    found = {}
    for one in objects:
        name = f"{one['kind']}/{one['metadata']['name']}"
        if one["kind"] in POD_KINDS:
            found[name] = one["spec"]["template"]
        elif one["kind"] == "Pod":
            found[name] = one
    return found


def selects(labels: Json, pod: Json) -> bool:
    """Whether a pod has all labels of a selector."""
    has: Json = pod["metadata"]["labels"]
    return labels.items() <= has.items()
