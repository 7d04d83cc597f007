"""Versions that are not all there: never served before they are whole, served soon after."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.figures import Figures, figures_of
from tests.chaos.house import House, served, wait_state
from tests.chaos.load import Load, Question
from tests.chaos.seen import Published
from tests.chaos.verdict import failures, wrong
from tests.running import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PIECES = 8
PAUSE_S = 0.3
LONG_PAUSE_S = 2.5  # longer than the service waits for a file to settle


def grow(source: Path, target: Path) -> None:
    """Copy in pieces, as a slow network does, with one long pause in the middle."""
    content = source.read_bytes()
    size = len(content) // PIECES + 1
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        for piece in range(PIECES):
            file.write(content[piece * size : (piece + 1) * size])
            file.flush()
            time.sleep(LONG_PAUSE_S if piece == PIECES // 2 else PAUSE_S)


def test_nothing_half_copied_ever_answers(
    house: House, unconvertible: Path, tell: Callable[[Figures], None]
) -> None:
    house.furnish({"growing": {1: 10}, "cut": {1: 10}, "folder": {1: 10}})
    for factor in (20, 30):
        house.scaled.give(house.state_dir, factor)
    shutil.copytree(
        unconvertible / "state" / "compiled", house.state_dir / "compiled", dirs_exist_ok=True
    )
    models = ("growing", "cut", "folder")
    with served(house) as service, Load(service.port, [Question(each) for each in models]) as load:
        cut = house.repository / "cut" / "2" / "model.h5"
        cut.parent.mkdir()
        whole = house.scaled.file(30).read_bytes()
        cut.write_bytes(whole[: len(whole) // 2])
        parts = house.repository / "folder" / "2"
        shutil.copytree(unconvertible / "model", parts, ignore=lambda *_: {"variables"})
        grow(house.scaled.file(20), house.repository / "growing" / "2" / "model.h5")
        grown = time.monotonic()
        house.published.append(Published("growing", 2, 20, since=grown))
        for model in ("cut", "folder"):
            wait_state(service, model, 2, "FAILED")
        mended = time.monotonic()
        cut.write_bytes(whole)
        shutil.copytree(unconvertible / "model" / "variables", parts / "variables")
        house.published.append(Published("cut", 2, 30, since=mended))
        house.published.append(Published("folder", 2, 7, since=mended))
        waits = {
            "growing": wait_for_version(load, "growing", "2") - grown,
            "cut": wait_for_version(load, "cut", "2") - mended,
            "folder": wait_for_version(load, "folder", "2") - mended,
        }
    errors = wrong(load.seen, house.published)
    tell(
        figures_of(
            "half-copied versions", load.seen, len(errors), None,
            whole_to_served=", ".join(f"{name} {took:.1f} s" for name, took in waits.items()),
        )
    )  # fmt: skip
    assert errors == []
    assert failures(load.seen) == {}


def wait_for_version(load: Load, model: str, version: str) -> float:
    """When the version first answered."""

    def first() -> float | None:
        found = (one.answered for one in load.seen if (one.model, one.version) == (model, version))
        return min(found, default=None)

    wait_until(lambda: first() is not None, f"{model} {version} answers", 60)
    answered = first()
    assert answered is not None
    return answered
