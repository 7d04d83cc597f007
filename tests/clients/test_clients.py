"""Clients that were written for other servers work with this one, unchanged."""

import pytest

from tests.clients.conftest import PROGRAMS, RunProgram

pytestmark = pytest.mark.slow

NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_program(run_program: RunProgram, name: str) -> None:
    run_program(name)


def test_no_program_was_lost() -> None:
    kinds = {name.split("_")[0] for name in NAMES}
    assert kinds == {"kserve", "mlserver", "same", "tfs", "triton"}
    assert len(NAMES) == 16
