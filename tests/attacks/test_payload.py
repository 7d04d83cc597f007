"""A payload that runs leaves its mark: only then does an empty folder of marks mean anything."""

import base64
import marshal
import os
import pickle
import subprocess
import types
from pathlib import Path

import pytest

from tests.attacks.payload import ENVIRONMENT, Payloads


@pytest.fixture
def payloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Payloads:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    return Payloads(tmp_path / "ran")


def test_bytecode_marks_and_returns_its_input(payloads: Payloads) -> None:
    code = marshal.loads(base64.b64decode(payloads.bytecode("case")))
    function = types.FunctionType(code, {})

    assert function(5) == 5
    assert payloads.marker.read_text() == "case\n"


def test_a_pickle_marks(payloads: Payloads) -> None:
    pickle.loads(payloads.pickled("case"))

    assert payloads.marker.read_text() == "case\n"


def test_a_command_marks(payloads: Payloads) -> None:
    subprocess.run(payloads.shell("case"), shell=True, check=True)

    assert payloads.marker.read_text() == "case\n"


def test_the_environment_says_where(
    payloads: Payloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "elsewhere"))

    subprocess.run(payloads.shell("one"), shell=True, check=True, env=dict(os.environ))
    pickle.loads(payloads.pickled("two"))

    assert (tmp_path / "elsewhere").read_text() == "one\ntwo\n"
    assert not payloads.marker.exists()
