"""Writes what is made of other files: `python -m deploy.write [FOLDER]` renders to another folder.

The chart gets its copies and its version; `deploy/kubernetes/` gets what the chart renders.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from deploy.chart import CHART, COPIED, ROOT, chart_files
from service.base.strict_json import Json

PYTHON = ROOT / ".charts" / "bin" / "python"
MANIFESTS = ROOT / "deploy" / "kubernetes"
VALUE_SETS = ("single", "replicas", "s3")
RELEASE = "kerasd"
NAMESPACE = "kerasd"
HEAD = """\
# Written by `make manifests` from deploy/helm/kerasd with its values ci/{name}.yaml: change those.
# It names Secrets that have to be there: docs/deploy-kubernetes.md.
"""
# Hooks come first: with plain manifests nothing else says what is to be there before what.
HOOK = "helm.sh/hook:"
OF_HELM = re.compile(r"^ +(helm\.sh/[a-z-]+|app\.kubernetes\.io/managed-by): .*\n", re.MULTILINE)
EMPTY_ANNOTATIONS = re.compile(r"^( *)annotations:\n(?!\1 )", re.MULTILINE)


def ask_helm(requests: list[Json]) -> list[Json]:
    """Have Helm answer, in the environment that has it; see `render.py`."""
    ran = subprocess.run(
        [PYTHON, ROOT / "deploy" / "render.py"],
        input=json.dumps(requests), capture_output=True, text=True, check=True,
    )  # fmt: skip
    answers: list[Json] = json.loads(ran.stdout)
    return answers


def rendering(values: Json) -> Json:
    """The request for what one set of values makes."""
    return {"chart": str(CHART), "values": values, "name": RELEASE, "namespace": NAMESPACE}


def values_of(name: str) -> Json:
    """One of the sets of values that are held by tests."""
    values: Json = yaml.safe_load((CHART / "ci" / f"{name}.yaml").read_text())
    return values


def plain_values_of(name: str) -> Json:
    """The same for plain manifests: no 6,000 lines of dashboards, no addresses of an example."""
    values = values_of(name)
    monitoring = values.setdefault("monitoring", {})
    monitoring["dashboards"] = {"enabled": False}
    monitoring.setdefault("prometheusRule", {})["runbookBase"] = ""
    return values


def manifest(name: str, templates: dict[str, str]) -> str:
    """One file of plain manifests; neither notes nor what only `helm test` runs."""
    texts = [
        document.strip()
        for path, text in sorted(templates.items())
        if path.endswith(".yaml") and "/tests/" not in path
        for document in f"\n{text}".split("\n---\n")
        if yaml.safe_load(document)
    ]
    texts.sort(key=lambda text: HOOK not in text)
    return HEAD.format(name=name) + "---\n" + "\n---\n".join(map(_without_helm, texts)) + "\n"


def _without_helm(text: str) -> str:
    """An object without what only Helm reads."""
    return EMPTY_ANNOTATIONS.sub("", OF_HELM.sub("", text))


def manifests() -> dict[str, str]:
    """Each file of `deploy/kubernetes/`, by name, and what it has to hold."""
    answers = ask_helm([rendering(plain_values_of(name)) for name in VALUE_SETS])
    refused = [answer["error"] for answer in answers if "error" in answer]
    if refused:
        raise SystemExit("\n".join(refused))
    return {
        f"{name}.yaml": manifest(name, answer["manifests"])
        for name, answer in zip(VALUE_SETS, answers, strict=True)
    }


def main() -> None:
    """Write all of it."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else MANIFESTS
    made = chart_files()
    for path in (old for name in COPIED for old in (CHART / name).glob("*")):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in manifests().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
