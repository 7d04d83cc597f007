"""Commands are imported when they are asked for, and what runs for months imports little."""

import subprocess
import sys

import click
import pytest

from service.cli.commands import ELSEWHERE
from service.cli.main import cli
from tests.cli.command import kerasd

HEAVY = ("alembic", "numpy", "requests", "rich", "sqlalchemy", "onnxruntime", "pydantic")


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_each_is_there_by_its_name(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name


def test_help_lists_them_all() -> None:
    listed = kerasd("--help").stdout.split("Commands:")[1].splitlines()
    names = [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "]
    assert {*ELSEWHERE, "serve", "web", "controller", "bake"} <= set(names)
    assert names == sorted(names)


def test_an_unknown_one_is_a_usage_error() -> None:
    assert kerasd("nothing").returncode == 2


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("service.cli.keeper", set()),
        ("service.cli.serve", {"pydantic"}),
        ("service.web.server", {"pydantic"}),
        ("service.controller.run", {"pydantic", "sqlalchemy", "numpy"}),
    ],
)
def test_what_stays_in_memory_imports_no_more_than_it_needs(module: str, allowed: set[str]) -> None:
    code = f"import sys, service.cli.halves, {module}; print(*sys.modules)"
    if module == "service.cli.keeper":
        code = f"import sys, {module}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(HEAVY) & set(ran.stdout.split()) == allowed
