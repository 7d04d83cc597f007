"""The keeper of TensorFlow's process: soon again after a death, later after each that follows."""

import logging
from pathlib import Path

import pytest

from service.controller import tensorflow_runtime
from service.controller.tensorflow_runtime import BACKOFF_S, STEADY_S, TensorFlowRuntime
from tests.running import wait_until


class Dying:
    """A keeper whose process ends as soon as it has begun."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.runtime = TensorFlowRuntime(folder, folder)
        self._caplog = caplog

    def pause_after_death(self, now: float) -> float:
        """How long after a death that it is told of at this time the next process begins."""
        begun, ended = self._told("started"), self._told("ended")

        def is_told() -> bool:
            self.runtime.step(True, now)
            return self._told("ended") > ended

        wait_until(is_told, "the process has ended", 30)
        for pause in BACKOFF_S:
            if self._told("started") == begun:
                self.runtime.step(True, now + pause)
            if self._told("started") > begun:
                return pause
        raise AssertionError("it never began again")

    def _told(self, what: str) -> int:
        return self._caplog.messages.count(f"tensorflow runtime {what}")


def test_pauses_grow_and_whoever_has_lived_for_long_is_back_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tensorflow_runtime, "PROGRAM", "__hello__")
    caplog.set_level(logging.INFO)
    dying = Dying(tmp_path, caplog)
    now, pauses = 0.0, []
    dying.runtime.step(True, now)
    for lived_s in (1.0, 1.0, 1.0, STEADY_S + 1, 1.0):
        pause = dying.pause_after_death(now + lived_s)
        now += lived_s + pause
        pauses.append(pause)
    dying.runtime.close()
    assert pauses == [0.0, 1.0, 2.0, 0.0, 1.0]
