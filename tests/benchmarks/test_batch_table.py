"""The table about batch predictions: ratios by rounds, medians, and whether goals are met."""

from dataclasses import dataclass

from benchmarks.batch_contestants import KERASD, KERASD_ALL, PREDICT, Figures
from benchmarks.batch_table import document, ratios_of


@dataclass
class Run:
    figures: Figures
    life_s: float = 20.0


def runs(*work_s: float, peak_mb: float = 300.0) -> list[Run]:
    return [Run(Figures(1000, each, each * 2, peak_mb)) for each in work_s]


def test_ratios_are_those_of_the_same_round() -> None:
    assert ratios_of(runs(1, 2, 4), runs(4, 4, 4)) == [4, 2, 1]


def test_a_goal_is_met_by_speed_and_memory_together() -> None:
    found = {
        KERASD_ALL: runs(2, 2, 2), KERASD: runs(1, 1, 2, peak_mb=600), PREDICT: runs(6, 6, 6),
    }  # fmt: skip
    lines = document("here", found).splitlines()
    assert lines[0] == "here"
    assert f"| {KERASD_ALL} | 500 | 3.00 (3.00, 3.00, 3.00) | 50 | 4.0 | 300 |" in lines
    assert f"| {KERASD}: at least 3 times, below 512 MiB | 6.00 | 600 | MISSED |" in lines
    assert f"| {KERASD_ALL}: at least 3 times, below 512 MiB | 3.00 | 300 | met |" in lines
