"""Operators who all change something at once, while every answer is checked."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from math import inf

import pytest

from tests.chaos.figures import Figures, figures_of
from tests.chaos.house import Called, House, Operator, promotion, served
from tests.chaos.load import Load, Question, together
from tests.chaos.seen import Promotion
from tests.chaos.verdict import failures, stale, wrong

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

MODELS = ("a", "b", "c")
VERSIONS = (1, 2, 3)
THREADS = 32
CHANGES, ALL_CHANGES = 1024, 32 * 1024
AT_MOST_S, ALL_AT_MOST_S = 12.0, 1200.0
DUELS, ALL_DUELS = 40, 1000
ALL_LOADED = "version_policy: all\n"
BUSY = 429
# Loaded or unloaded by others meanwhile, another current version than expected.
REFUSALS = {400, 404, 409, 504}


class Changes:
    """Random changes by many threads; what each was answered, and the promotions among them."""

    def __init__(self, operator: Operator, seed: int, most: int, at_most_s: float) -> None:
        self._operator, self._seed, self._left = operator, seed, most
        self._deadline = time.monotonic() + at_most_s
        self._lock = threading.Lock()
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.promotions = [Promotion(model, max(VERSIONS), -inf, -inf) for model in MODELS]
        self.unexpected: list[object] = []
        self.told_to_wait = 0

    def make(self, number: int) -> None:
        """One thread's share."""
        draw = random.Random(f"{self._seed} {number}")
        while self._has_more():
            model, version = draw.choice(MODELS), draw.choice(VERSIONS)
            verb = draw.choice(("load", "unload", "reload", "promote", "promote", "label"))
            while (called := self._call(draw, verb, model, version)).status == BUSY:
                with self._lock:
                    self.told_to_wait += 1
                time.sleep(draw.uniform(0.05, 0.3))
            with self._lock:
                self.statuses[verb, called.status] += 1
                if called.status != 200 and called.status not in REFUSALS:
                    self.unexpected.append((verb, called))
                if verb == "promote" and (moved := promotion(model, version, called)):
                    self.promotions.append(moved)

    def told(self) -> str:
        verbs = sorted({verb for verb, _ in self.statuses})
        counts = {
            verb: sorted((code, n) for (name, code), n in self.statuses.items() if name == verb)
            for verb in verbs
        }
        return ", ".join(
            f"{verb} {' '.join(f'{n}x{code}' for code, n in found)}"
            for verb, found in counts.items()
        )

    def _has_more(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0 and time.monotonic() < self._deadline

    def _call(self, draw: random.Random, verb: str, model: str, version: int) -> Called:
        if verb == "promote":
            return self._operator.promote(model, version, draw.choice((None, None, *VERSIONS)))
        if verb == "label":
            path = f"/v1/models/{model}/labels/{draw.choice(('candidate', 'old'))}"
            if draw.random() < 0.3:
                return self._operator.call("DELETE", path)
            return self._operator.call("PUT", path, {"version": version})
        return self._operator.post(f"/v1/models/{model}:{verb}")


def test_every_answer_is_of_exactly_one_published_version(
    house: House, is_full: bool, seed: int, tell: Callable[[Figures], None]
) -> None:
    house.furnish({m: {v: 10 * n + v for v in VERSIONS} for n, m in enumerate(MODELS, 1)})
    questions = [Question(m, v, is_v2=v == 2) for m in MODELS for v in (None, *VERSIONS)]
    most = (ALL_CHANGES, ALL_AT_MOST_S) if is_full else (CHANGES, AT_MOST_S)
    with served(house) as service, Load(service.port, questions, 6, 0.01) as load:
        operator = Operator(service)
        changes = Changes(operator, seed, *most)
        began = time.monotonic()
        together(THREADS, changes.make)
        took_s = time.monotonic() - began
        for model in MODELS:
            assert operator.post(f"/v1/models/{model}:load").status == 200
        over = time.monotonic()
        load.wait_for(300)
        currents = {m: {operator.current(m) for _ in range(20)} for m in MODELS}
    errors = wrong(load.seen, house.published)
    old = stale(load.seen, changes.promotions)
    tell(
        figures_of(
            "32 threads of changes", load.seen, len(errors) + len(old),
            changes=changes.statuses.total(), within=f"{took_s:.0f} s",
            told_to_wait=changes.told_to_wait, answers=changes.told(),
        )
    )  # fmt: skip
    assert errors == []
    assert old == []
    assert changes.unexpected == []
    assert set(failures(load.seen)) <= {"404", "503"}
    after = [each for each in load.seen if each.sent > over and each.asked is None]
    assert failures(after) == {}
    assert all(len(found) == 1 for found in currents.values()), currents


def test_of_two_promotions_at_once_exactly_one_wins(
    house: House, is_full: bool, tell: Callable[[Figures], None]
) -> None:
    house.furnish({"m": {1: 10, 2: 20, 3: 30}})
    house.configure("m", ALL_LOADED)
    rounds = ALL_DUELS if is_full else DUELS
    won: list[int] = []
    statuses: Counter[tuple[int, ...]] = Counter()
    history = [Promotion("m", 3, -inf, -inf)]
    with served(house) as service, Load(service.port, [Question("m")], 4) as load:
        operator = Operator(service)
        current = 3
        for _ in range(rounds):
            rivals = [version for version in VERSIONS if version != current]
            calls: dict[int, Called] = {}

            def call(
                number: int,
                rivals: list[int] = rivals,
                calls: dict[int, Called] = calls,
                expected: int = current,
            ) -> None:
                calls[rivals[number]] = operator.promote("m", rivals[number], expected)

            together(2, call)
            statuses[tuple(sorted(each.status for each in calls.values()))] += 1
            (current,) = [version for version, each in calls.items() if each.status == 200]
            won.append(current)
            history += [p for v, each in calls.items() if (p := promotion("m", v, each))]
            assert operator.current("m") == current
        entries = operator.call("GET", f"/v1/audit?model=m&limit={rounds}").body["changes"]
    errors, old = wrong(load.seen, house.published), stale(load.seen, history)
    tell(
        figures_of(
            "two promotions at once", load.seen, len(errors) + len(old), rounds=rounds,
            one_winner=statuses[200, 409],
        )
    )  # fmt: skip
    assert statuses == {(200, 409): rounds}
    assert (errors, old, failures(load.seen)) == ([], [], {})
    assert [entry["action"] for entry in entries] == ["promote"] * rounds
    assert [entry["after"]["current"] for entry in reversed(entries)] == won
    assert [entry["before"]["current"] for entry in reversed(entries)] == [3, *won[:-1]]
