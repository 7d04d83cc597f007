"""The tables say everything that was measured, and what was not."""

from pathlib import Path

import pytest

from benchmarks.machine import Machine
from benchmarks.report import BEGIN, END, document, require_place, write_page
from benchmarks.results import Absence, Results, Start, read_results, write_results
from tests.benchmarks.cells import cell, loop
from tests.benchmarks.test_goals import CALM

RESULTS = Results(
    machine=Machine("a processor", 2, 0.0, "3.11", {"keras": "3.15"}),
    cells=[
        cell("kerasd", 400, cpu_us=50),
        cell("triton-py-ort", 200),
        loop("onnxruntime", "mlp-loop-1", 9000),
    ],
    starts=[Start("kerasd", "mlp", 1.5, 14.2)],
    overloads=[CALM],
    absences=[Absence("bentoml", "row-c16", "not installed: make peers")],
)


def test_every_part_is_there() -> None:
    text = document(RESULTS)

    assert "| triton-py-ort | 200 | 100 | 0.50 | 1.00 | 100 | 0 | 0.00 | 2x | 0.5x |" in text
    assert text.index("| kerasd | 400 ") < text.index("| triton-py-ort | 200 ")
    assert "| onnxruntime | mlp-loop-1 | 9000 | 10.0 | 30 |" in text
    assert "| kerasd | mlp | 1.5 | 14.2 |" in text
    assert "| kerasd | 100 | 1000 | 90 | 90% | 0 | 0 | 0 | 0 | 50 | 90 | 20 |" in text
    assert "- bentoml, row-c16: not installed: make peers" in text


def test_a_noisy_machine_is_owned_up_to() -> None:
    noisy = Results(RESULTS.machine, [cell("kerasd", 1, others_cores=0.7)])

    assert "Caution: in 1 of 1 measurements" in document(noisy)
    assert "Caution" not in document(RESULTS)


def test_figures_are_kept_and_read_back(tmp_path: Path) -> None:
    write_results(tmp_path / "out.json", RESULTS)

    assert read_results(tmp_path / "out.json") == RESULTS


def test_a_page_gets_the_tables_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_page(page, RESULTS)

    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\n{RESULTS.machine}")
    assert text.endswith(f"{END}\nafter\n")
    assert "\nold\n" not in text


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n")

    with pytest.raises(SystemExit, match="no place"):
        require_place(page)
    with pytest.raises(SystemExit, match="no place"):
        write_page(page, RESULTS)

    assert page.read_text() == "before\n"
