"""Every hostile and broken file ends as it should in the service's own child processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.case import read_manifest
from tests.attacks.run import run_cases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_every_file_ends_as_it_should(attack_corpus: Path, tmp_path: Path) -> None:
    judged = list(run_cases(attack_corpus, read_manifest(attack_corpus), tmp_path))

    wrong = [f"{item.case.id}: {'; '.join(item.wrong)}" for item in judged if item.wrong]
    assert not wrong, f"{len(wrong)} of {len(judged)} cases ended wrongly:\n" + "\n".join(wrong)
    assert list((attack_corpus / "markers").iterdir()) == []
    assert list((tmp_path / "children").iterdir()) == []


def test_files_that_were_damaged_on_the_way_do_no_harm(attack_corpus: Path, tmp_path: Path) -> None:
    """Without a digest beside them some of them pass; none may end the child."""
    cases = [case for case in read_manifest(attack_corpus) if case.original_sha256]

    judged = list(run_cases(attack_corpus, cases, tmp_path, with_digests=False))

    ends = {item.case.id: item.result.message for item in judged if item.result.end == "crashed"}
    assert ends == {}


def test_the_corpus_is_whole(attack_corpus: Path) -> None:
    cases = read_manifest(attack_corpus)

    assert sum(case.is_model for case in cases) == 413
    assert sum(not case.is_model for case in cases) == 101
    assert all((attack_corpus / case.file).exists() or "loop" in case.id for case in cases)


def test_the_runner_tells_what_is_wrong(attack_corpus: Path) -> None:
    """A good file alone passes; the table and the exit code say so."""
    command = [
        sys.executable,
        "-m",
        "tests.attacks.run",
        str(attack_corpus),
        "--only",
        "^empty_h5$",
    ]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert "| corrupt | 1 | 0 | 1 | 0 | 0 | 0 | 0 |" in ended.stdout
