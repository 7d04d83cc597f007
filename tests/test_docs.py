"""The documents are true: commands run, links lead somewhere, tables are whole."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from prometheus_client.metrics import MetricWrapperBase

from service.base import metrics
from service.base.settings import Settings
from service.cli.main import cli
from tests.conftest import ROOT
from tests.documented import blocks, run
from tests.running import RunningService, running

DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "decisions").glob("*.md"))
DOCUMENTS += [ROOT / "model_repo" / "README.md", ROOT / "benchmarks" / "README.md"]
# Executed in order, by test_docs_*.py beside this.
IN_ORDER = {
    "batch-predictions.md", "deploy-docker.md", "jobs.md", "operations.md", "quality.md",
    "sequences.md", "versions.md",
}  # fmt: skip
LINK = re.compile(r"\]\(([^)#:]*)#?([^):]*)\)")  # a file, or a chapter, or a chapter of a file
COMMAND = re.compile(r"\bkerasd ([a-z][^\n`|;&]*)")
OPTION = re.compile(r"(?<= )--[a-z][a-z-]*")


def commands() -> list[str]:
    """Every line of every shell block of the documents that can be run in any order."""
    texts = [path.read_text() for path in DOCUMENTS if path.name not in IN_ORDER]
    return sorted({line for text in texts for line in blocks(text).splitlines() if line.strip()})


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """What `make serve` starts, on another port."""
    state = tmp_path_factory.mktemp("docs") / "state"
    with running(ROOT / "model_repo", state) as started:
        started.wait_ready()
        yield started


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in commands() if not c.startswith("make ")])
def test_a_command_of_the_documents_runs(service: RunningService, command: str) -> None:
    assert run(service, ROOT, command).strip()


def test_every_make_command_of_the_documents_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {c.split()[1] for c in commands() if c.startswith("make ")}
    named |= {
        name for path in DOCUMENTS for name in re.findall(r"`make ([a-z-]+)`", path.read_text())
    }
    assert {"serve", "test"} <= named
    assert named <= targets


def test_what_nothing_makes_again_is_not_cleaned() -> None:
    (recipe,) = re.findall(r"^clean:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert ".venv" in recipe.split()
    assert str(Settings().state_dir) not in recipe.split()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target, chapter in LINK.findall(path.read_text()):
        page = path.parent / target if target else path
        assert page.exists(), target
        assert not chapter or chapter in chapters(page), f"{target}#{chapter}"


def chapters(page: Path) -> set[str]:
    """What links call its chapters."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_of_a_command_is_one_of_its_own(path: Path) -> None:
    for text in COMMAND.findall(path.read_text()):
        command: click.Command = cli
        for word in text.split():
            if not isinstance(command, click.Group):
                break
            inner = command.get_command(click.Context(cli), word)
            if inner is None:
                break
            command = inner
        if command is not cli:
            known = {option for parameter in command.params for option in parameter.opts}
            assert set(OPTION.findall(text)) <= known | {"--help"}, text


def test_the_table_of_settings_is_the_settings() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(Settings.model_fields)
    for name, default, description in rows:
        field = Settings.model_fields[name]
        assert description == field.description
        if default.startswith("`"):
            assert default == f"`{field.default}`"


def test_every_metric_is_explained() -> None:
    text = (ROOT / "docs" / "observing.md").read_text()
    for metric in metrics.REGISTRY.collect():
        assert metric.name.removesuffix("_total") in text


def test_every_metric_is_counted_somewhere() -> None:
    defining = Path(metrics.__file__)
    texts = [
        path.read_text()
        for path in (ROOT / "service").rglob("*.py")
        if path.resolve() != defining.resolve()
    ]
    names = [name for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)]
    assert len(names) == len(list(metrics.REGISTRY.collect()))
    for name in names:
        assert any(re.search(rf"\b{name}\.\w", text) for text in texts), name


def test_the_architecture_fits_on_a_few_pages() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 150
