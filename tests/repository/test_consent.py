"""Who is waited for, by the clock of the one who waits."""

from pathlib import Path

from service.repository.promotion import Promotions
from service.repository.workers import DEAD_AFTER_S
from tests.repository.crew import ALWAYS, BY_ANN, Crew


def test_who_lives_and_when_it_was_are_told_by_the_same_clock(tmp_path: Path) -> None:
    crew = Crew(tmp_path)
    crew.follow()
    later = ALWAYS + 2 * DEAD_AFTER_S
    crew.names = []  # nobody follows, and all reports are old by then

    Promotions(crew.store, crew.tell, crew.clock, crew.pause, lambda: later).promote("m", 2, BY_ANN)

    assert [entry.at for entry in crew.store.audit()] == [later]
    crew.engine.dispose()
