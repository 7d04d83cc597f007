"""All races over one model: everyone who takes part is up at once, and each round goes around."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks import engines, overload
from benchmarks.answers import AnswerFailed
from benchmarks.contestants import Contestant, contestants
from benchmarks.dialects import Dialect
from benchmarks.measurement import Cell, Race, measure_engine, measure_server
from benchmarks.models import SLOW, Model
from benchmarks.options import OVERLOAD, Options
from benchmarks.overload import Overload
from benchmarks.results import Absence, Start
from benchmarks.samples import read_samples
from benchmarks.server import Server, ServerFailed, started
from benchmarks.workloads import Workload

ENGINE_SHARE = 0.25
NOT_INSTALLED = "not installed: make peers"
NO_BYTES = "has no way to take bare numbers"
OVERLOAD_S = 5
Taker = TypeVar("Taker")


@dataclass(frozen=True, slots=True)
class Entrant:
    """A server that is up, and how it is asked in the races that it takes part in."""

    server: Server
    dialects: dict[Workload, Dialect]


class Phase:
    """The races over one model, and what they came to."""

    def __init__(
        self, model: Model, races: Sequence[Workload], options: Options, top: Path
    ) -> None:
        self.cells: list[Cell] = []
        self.starts: list[Start] = []
        self.overloads: list[Overload] = []
        self.absences: list[Absence] = []
        self._model = model
        self._races = races
        self._options = options
        self._top = top

    def run(self) -> None:
        """Measure, everyone up until the end; nothing that starts here is left."""
        self._samples = read_samples(self._model, self._top)
        if self._model is SLOW:
            self._run_overload()
            return
        with ExitStack() as stack:
            entrants = []
            for contestant in self._chosen():
                entrant = self._enter(contestant, stack)
                if entrant is not None:
                    entrants.append(entrant)
            for number in range(self._options.rounds):
                for cell in self._measure_round(entrants, number):
                    self.cells.append(cell)
                    rate = f"{cell.per_s:9.1f}/s {cell.cpu_us:9.1f} us"
                    say(f"round {number + 1}: {cell.contestant:13} {cell.workload:16} {rate}")

    def _run_overload(self) -> None:
        """One server at a time, for each is to have the machine for itself and the client."""
        for contestant in self._chosen():
            if not contestant.serves_any:
                continue
            with ExitStack() as stack:
                server = self._start(contestant, contestant.json, stack)
                if server is None or not self._is_right(server, contestant.json, OVERLOAD):
                    continue
                seconds = max(self._options.seconds, OVERLOAD_S)
                try:
                    found = overload.measure(
                        server.questions(contestant.json, self._samples), seconds
                    )
                except (OSError, ValueError) as error:
                    self._leave_out(contestant, OVERLOAD, f"could not be asked: {error}")
                    continue
                self.overloads.append(found)
                say(f"{contestant.name}: {found.accepted_per_s:.0f}/s, {found.p99_ms:.0f} ms")

    def _chosen(self) -> Iterator[Contestant]:
        for contestant in contestants(self._model, self._top):
            if contestant.name not in self._options.only:
                continue
            if contestant.is_installed:
                yield contestant
            else:
                self._leave_out(contestant, "", NOT_INSTALLED)

    def _enter(self, contestant: Contestant, stack: ExitStack) -> Entrant | None:
        """Start a contestant and prove it in each dialect; none where nothing is left of it."""
        dialects = {race: contestant.dialect(race) for race in self._races}
        spoken = {race: dialect for race, dialect in dialects.items() if dialect is not None}
        mute = [race.name for race in contestant.only if race in dialects and race not in spoken]
        if mute:
            self._leave_out(contestant, ", ".join(mute), NO_BYTES)
        if not spoken:
            return None
        server = self._start(contestant, contestant.json, stack)
        if server is None:
            return None
        for dialect in dict.fromkeys(spoken.values()):
            races = [race for race, its in spoken.items() if its == dialect]
            if not self._is_right(server, dialect, ", ".join(race.name for race in races)):
                spoken = {race: its for race, its in spoken.items() if its != dialect}
        if contestant.polls:
            server.signal(signal.SIGSTOP)
        return Entrant(server, spoken)

    def _start(self, contestant: Contestant, dialect: Dialect, stack: ExitStack) -> Server | None:
        """Start it, twice where the first start isn't like the others."""
        log = self._model.folder(self._top) / f"{contestant.name}.log"
        first_s = None
        try:
            if contestant.compiles:
                say(f"starting {contestant.name} for {self._model.name} for the first time")
                with started(contestant, dialect, self._samples, log) as server:
                    first_s = server.start_s
            say(f"starting {contestant.name} for {self._model.name}")
            server = stack.enter_context(started(contestant, dialect, self._samples, log))
        except ServerFailed as error:
            say(str(error))
            self._leave_out(contestant, "", str(error).splitlines()[0])
            return None
        self.starts.append(Start(contestant.name, self._model.name, server.start_s, first_s))
        return server

    def _is_right(self, server: Server, dialect: Dialect, races: str) -> bool:
        """Nothing is measured before everyone is right."""
        name = server.contestant.name
        try:
            worst = server.questions(dialect, self._samples).check()
        except AnswerFailed as error:
            say(str(error))
            self._leave_out(server.contestant, races, str(error))
            return False
        say(f"{name} is up for {races}, at most {worst:.1g} from Keras")
        return True

    def _leave_out(self, contestant: Contestant, races: str, reason: str) -> None:
        names = races or ", ".join(race.name for race in self._races) or OVERLOAD
        self.absences.append(Absence(contestant.name, names, reason))

    def _measure_round(self, entrants: list[Entrant], number: int) -> Iterator[Cell]:
        """Race by race, the rivals back to back; who begins changes with the round."""
        folder, seconds = self._model.folder(self._top), self._options.seconds
        for workload in self._races:
            race = Race(workload, self._samples, seconds, folder)
            for entrant in turned(entrants, number):
                dialect = entrant.dialects.get(workload)
                if dialect is not None:
                    with entrant.server.awake():
                        yield measure_server(entrant.server, dialect, race, number)
        chosen = [name for name in engines.NAMES if name in self._options.only]
        for name in turned(chosen, number):
            length_s = seconds * ENGINE_SHARE
            yield from measure_engine(name, self._model, self._top, length_s, number)


def turned(items: Sequence[Taker], number: int) -> list[Taker]:
    """The same in a circle, begun one further each round."""
    first = number % max(len(items), 1)
    return [*items[first:], *items[:first]]


def say(text: str) -> None:
    """Tell whoever waits what is going on."""
    print(text, file=sys.stderr, flush=True)
