"""What is asked of each contestant: of which model, how many rows, over how many connections."""

from dataclasses import dataclass

from benchmarks.models import LSTM, MLP, MOBILENET, Model


@dataclass(frozen=True, slots=True)
class Workload:
    """One race; no connections means calls in a loop, without HTTP.

    `binary` wants the numbers as they are in memory; with `json_will_do`, whoever can't take
    those gets JSON instead of being left out.
    """

    name: str
    model: Model
    rows: int
    connections: int
    binary: bool = False
    json_will_do: bool = False

    @property
    def title(self) -> str:
        """How a heading calls it."""
        rows = "one row" if self.rows == 1 else f"{self.rows} rows"
        form = "binary" if self.binary else "JSON"
        return f"{self.model.title}: {rows}, {form}, {self.connections} connections"


SINGLE = Workload("row-c1", MLP, rows=1, connections=1)
BUSY = Workload("row-c16", MLP, rows=1, connections=16)
CROWDED = Workload("row-c64", MLP, rows=1, connections=64)
BULK = Workload("256-rows", MLP, rows=256, connections=4)
BULK_BINARY = Workload("256-rows-binary", MLP, rows=256, connections=4, binary=True)
LSTM_CALM = Workload("lstm-c8", LSTM, rows=1, connections=8)
LSTM_BUSY = Workload("lstm-c16", LSTM, rows=1, connections=16)
IMAGE = Workload("mobilenet-c8", MOBILENET, rows=1, connections=8, binary=True, json_will_do=True)
ALL = (SINGLE, BUSY, CROWDED, BULK, BULK_BINARY, LSTM_CALM, LSTM_BUSY, IMAGE)
NAMES = tuple(workload.name for workload in ALL)


def loops(model: Model) -> list[int]:
    """Numbers of rows that a loop in process runs for a model."""
    return sorted({each.rows for each in ALL if each.model == model})


def loop_name(model: Model, rows: int) -> str:
    """What a loop is called; it is held against the workloads of so many rows of the model."""
    return f"{model.name}-loop-{rows}"
