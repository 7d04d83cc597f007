"""The table of the corpus: one row a file, and the totals."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.base.compiled import Compiled
from tests.corpus.golden import MAX_DIFFERENCE
from tests.corpus.manifest import CorpusModel

BEGIN, END = "<!-- corpus:begin -->", "<!-- corpus:end -->"
HEAD = (
    "| file | written by | format | Keras 3 alone | tf_keras alone | kerasd | difference "
    "| runtime | compiled in |\n|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one model; `fault` says what is wrong, `reason` why it was refused."""

    model: CorpusModel
    reason: str = ""
    fault: str = ""
    difference: float = 0.0
    compiled: Compiled | None = None

    @property
    def runtime(self) -> str:
        """What runs it; empty when nothing does."""
        return self.compiled.runtime if self.compiled else ""

    @property
    def is_served(self) -> bool:
        """True when it answers, and answers right."""
        return not self.reason and not self.fault and self.difference <= MAX_DIFFERENCE

    @property
    def is_as_expected(self) -> bool:
        """True when it is served, or refused with the reason that it should be."""
        words = self.model.refused_with
        return words in self.reason if words and self.reason else self.is_served and not words

    def line(self) -> str:
        """The row in Markdown."""
        model = self.model
        first = f"| {model.name} | {model.era} | {model.format} "
        alone = f"| {model.keras_3_alone} | {model.tf_keras_alone} "
        if self.compiled is None:
            return f"{first}{alone}| refused: {_cell(self.reason)} | | | |"
        kerasd = "served" if self.is_served else f"WRONG: {_cell(self.fault or 'other numbers')}"
        engine = f", built by {self.compiled.engine}" if self.compiled.engine == "tf_keras" else ""
        last = f"| {self.difference:.1e} | {self.runtime}{engine} | {self.compiled.took_s:.0f} s |"
        return f"{first}{alone}| {kerasd} {last}"


def table(rows: Sequence[Row]) -> str:
    """The totals and all rows, the oldest files first, in Markdown."""
    ordered = sorted(rows, key=lambda row: _age(row.model.era))
    return "\n".join([totals(rows), "", HEAD, *(row.line() for row in ordered)])


def totals(rows: Sequence[Row]) -> str:
    """How many could be served, how many are, and by which runtime."""
    servable = [row for row in rows if not row.model.refused_with]
    served = [row for row in servable if row.is_served]
    onnx = [row for row in served if row.runtime == "onnx"]
    refused = [row for row in rows if row.model.refused_with and row.is_as_expected]
    worst = max((row.difference for row in served), default=0.0)
    text = (
        f"{len(served)} of {len(servable)} served, {len(onnx)} of them by ONNX Runtime; "
        f"largest difference {worst:.1e}."
    )
    if refused:
        text += f" {len(refused)} hold weights without an architecture, and are told so."
    return text


def write_table(path: Path, text: str) -> None:
    """Put the table between its marks in a page. Raises ValueError if they aren't there."""
    page = path.read_text()
    if BEGIN not in page or END not in page:
        raise ValueError(f"{path} has no {BEGIN} and {END}")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _age(era: str) -> tuple[str, list[int]]:
    """`Keras 2.10.0` comes after `Keras 2.2.4-tf`, and SavedModels after all of Keras."""
    return era.split()[0], [int(number) for number in re.findall(r"\d+", era)]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:160]
