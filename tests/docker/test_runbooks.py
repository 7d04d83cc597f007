"""An alert leads to what to do: the chapter is there, also where the pages lie somewhere else."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.docker.rules import FOLDER, Rule, alerts

PAGE = (ROOT / "docs" / "alerts.md").read_text()
COMMAND = re.compile(r"^```bash\n(sed -i .*?)\n```", re.MULTILINE)
ELSEWHERE = "https://wiki.example.org/kerasd/"


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_a_runbook_says_what_it_means_and_what_to_do(alert: Rule) -> None:
    path, anchor = alert.annotations["runbook_url"].split("#")
    text = (ROOT / path).read_text()
    headings = {line.lstrip("# ").lower(): line for line in text.splitlines() if line[:1] == "#"}
    assert headings[anchor] == f"### {alert.name}"
    chapter = text.split(f"### {alert.name}\n")[1].split("\n##")[0].strip()
    assert len(chapter.split()) > 20
    for link in re.findall(r"\]\((?!#)([^)]+?)(?:#[^)]*)?\)", chapter):
        assert ((ROOT / path).parent / link).exists(), link


def test_the_pages_may_lie_somewhere_else(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "rules", tmp_path / "rules")
    (command,) = COMMAND.findall(PAGE)

    subprocess.run(command, shell=True, check=True, cwd=tmp_path)

    found = [
        rule["annotations"]["runbook_url"]
        for path in (tmp_path / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    expected = [f"{ELSEWHERE}{alert.annotations['runbook_url']}" for alert in alerts()]
    assert sorted(found) == sorted(expected)
