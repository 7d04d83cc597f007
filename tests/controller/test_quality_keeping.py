"""What is too old goes once a day, and nothing that a label may still come for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.base.database import migrate, open_database
from service.controller.known_config import Told
from service.controller.quality_keeping import AGAIN_S, DAY_S, QualityKeeping
from service.quality.store import QualityStore
from service.quality.store_keys import KeyStore
from service.quality.windows import DAY, SECOND
from service.repository.model_config import Feedback, ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from tests.quality.rows import NOON, labelled

NOW_S = NOON / SECOND
DAYS = (0, 6, 8, 12, 29, 32, 60, 95)


def version(model: str, number: int, days: float) -> VersionRow:
    config = ModelConfig(feedback=Feedback(horizon_days=days))
    return VersionRow(model, number, State.READY, config=config)


class House:
    """A database with rows of many ages, and what keeps it."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_database(f"sqlite:///{folder}/kerasd.sqlite")
        migrate(self.engine)
        self.store = QualityStore(self.engine, "/models")
        self.keys = KeyStore(self.engine)
        self.versions = VersionStore(self.engine, "/models")
        self.told: Told | None = {"long": None}
        self.keeping = QualityKeeping(self.store, self.keys, self.versions, lambda: self.told)

    def enter(self, model: str) -> None:
        rows = [labelled(str(days), 1, 1, at=NOON - days * DAY) for days in DAYS]
        self.store.record_feedback(model, rows, NOON)

    def ages(self, model: str) -> list[int]:
        """Of the rows that are there, in days."""
        with self.engine.connect() as connection:
            found = connection.execute(
                sa.text(
                    "SELECT predicted_at FROM feedback JOIN scored_versions ON scored = id"
                    " WHERE model = :model ORDER BY predicted_at DESC"
                ),
                {"model": model},
            )
            return [(NOON - at) // DAY for (at,) in found]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.engine.dispose()


def test_rows_stay_for_the_models_horizon_and_the_longest_window(house: House) -> None:
    for model in ("short", "long", "gone"):
        house.enter(model)
    house.versions.replace(
        [
            version("short", 1, 90),
            version("short", 2, 0.5),
            replace(version("short", 3, 90), state=State.RETIRED),
            version("long", 1, 90),
            replace(version("long", 2, 0.5), state=State.FAILED),
        ]
    )

    house.keeping.step(NOW_S)

    assert house.ages("short") == [0, 6, 8]
    assert house.ages("long") == [0, 6, 8, 12, 29, 32, 60]
    assert house.ages("gone") == [0, 6, 8, 12, 29]
    assert [one.matrix()[1, 1] for one in house.store.readings()] == [len(DAYS)] * 3


def test_keys_stay_as_long_as_any_model_of_the_database_takes_labels(house: House) -> None:
    house.versions.replace([version("short", 1, 10)])
    VersionStore(house.engine, "/others").replace([version("long", 1, 90)])
    for days in (100, 92, 90):
        house.keys.rotate(NOW_S - days * DAY_S)

    house.keeping.step(NOW_S)

    retired = [key.retired_at for key in house.keys.read()]
    assert retired == [NOW_S - 90 * DAY_S, None]


def test_it_is_done_once_a_day(house: House) -> None:
    house.keeping.step(NOW_S)
    house.enter("m")
    house.keeping.step(NOW_S + DAY_S - 1)
    before = house.ages("m")
    house.keeping.step(NOW_S + DAY_S)
    assert (before, house.ages("m")) == (list(DAYS), [0, 6, 8, 12, 29])


def test_a_database_that_is_away_is_asked_again_an_hour_later(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.enter("m")
    rename(house, "feedback", "away")
    house.keeping.step(NOW_S)
    rename(house, "away", "feedback")
    house.keeping.step(NOW_S + AGAIN_S - 1)
    before = house.ages("m")
    house.keeping.step(NOW_S + AGAIN_S)
    assert caplog.messages == ["old labels can't be taken out"]
    assert (before, house.ages("m")) == (list(DAYS), [0, 6, 8, 12, 29])


@pytest.mark.parametrize("told", [None, {}, {"m": None}])
def test_nothing_goes_while_nobody_knows_for_how_long(house: House, told: Told | None) -> None:
    """A version that came while model.yaml couldn't be read has the usual days in its row."""
    house.enter("m")
    house.versions.replace([VersionRow("m", 1, State.FAILED)])
    house.keys.rotate(NOW_S - 60 * DAY_S)
    house.keys.rotate(NOW_S - 50 * DAY_S)
    keys = len(house.keys.read())
    house.told = told

    house.keeping.step(NOW_S)

    assert (house.ages("m"), len(house.keys.read())) == (list(DAYS), keys)
    house.told = {"m": ModelConfig()}
    house.keeping.step(NOW_S + DAY_S)
    assert (house.ages("m"), len(house.keys.read())) == ([0, 6, 8, 12, 29], keys - 1)


def rename(house: House, old: str, new: str) -> None:
    with house.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")
