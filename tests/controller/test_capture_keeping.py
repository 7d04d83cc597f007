"""The controller keeps captured inputs as the models' configurations say, and forgets them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.database import open_database
from service.capture.layout import models
from service.capture.sweep import DAY
from service.controller.capture_keeping import CaptureKeeping
from service.controller.known_config import Told
from service.quality.store import QualityStore
from service.repository.model_config import Capture, ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from tests.capture.made import NOON, answered, form_of, id_of, numbers, row_of, write
from tests.databases import migrate


def kept(days: float) -> ModelConfig:
    return ModelConfig(capture=Capture(retention_days=days))


class House:
    """Captured inputs of two models, one of which has versions, of four ages."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(self.engine)
        self.versions = VersionStore(self.engine, "/models")
        self.quality = QualityStore(self.engine, "/models")
        self.folder = folder / "captured"
        for model in ("m", "gone"):
            for days in (0, 20, 50, 100):
                some = [answered(f"{model} {days}", row_of(days), NOON - days * DAY)]
                write(self.folder, some, form=form_of(model=model))

    def keep(self, told: Told | None, max_bytes: int = 1 << 30) -> None:
        CaptureKeeping(
            self.folder, max_bytes, self.quality, self.versions, lambda: told, lambda: NOON / 1000
        )()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.engine.dispose()


def test_by_the_configuration_in_force_and_the_usual_for_models_that_are_gone(
    house: House,
) -> None:
    house.versions.replace(
        [
            VersionRow("m", 9, State.READY, config=kept(2)),
            VersionRow("m", 10, State.READY, config=kept(90)),
            VersionRow("m", 11, State.RETIRED, config=kept(2)),
        ]
    )
    house.quality.forget("m", [id_of("m 20")], NOON)
    house.keep({"m": None})
    assert numbers(house.folder) == [0, 50]
    assert numbers(house.folder, model="gone") == [0, 20]
    house.keep({"m": None}, max_bytes=1)
    assert models(house.folder) == []


@pytest.mark.parametrize("told", [None, {}, {"m": None}])
def test_where_nobody_knows_for_how_long_only_what_was_forgotten_goes(
    house: House, told: Told | None
) -> None:
    """A version that came while model.yaml couldn't be read has the usual days in its row."""
    house.versions.replace([VersionRow("m", 9, State.FAILED)])
    house.quality.forget("m", [id_of("m 20")], NOON)
    house.keep(told)
    assert numbers(house.folder) == [0, 50, 100]
    house.keep({"m": kept(60)})
    assert numbers(house.folder) == [0, 50]
