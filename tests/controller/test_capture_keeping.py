"""The controller keeps captured inputs as the models' configurations say, and forgets them."""

from pathlib import Path

from service.base.database import migrate, open_database
from service.capture.layout import models
from service.capture.sweep import DAY
from service.controller.capture_keeping import CaptureKeeping
from service.quality.store import QualityStore
from service.repository.model_config import Capture, ModelConfig
from service.repository.states import State, VersionRow
from service.repository.store import VersionStore
from tests.capture.made import NOON, answered, form_of, id_of, numbers, row_of, write


def test_by_the_newest_versions_configuration_and_the_usual_for_models_that_are_gone(
    tmp_path: Path,
) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/db.sqlite")
    migrate(engine)
    versions, quality = VersionStore(engine, "/models"), QualityStore(engine, "/models")
    short, long = (ModelConfig(capture=Capture(retention_days=days)) for days in (2, 90))
    versions.replace(
        [
            VersionRow("m", 9, State.READY, config=short),
            VersionRow("m", 10, State.READY, config=long),
        ]
    )
    folder = tmp_path / "captured"
    for model in ("m", "gone"):
        for days in (0, 20, 50, 100):
            some = [answered(f"{model} {days}", row_of(days), NOON - days * DAY)]
            write(folder, some, form=form_of(model=model))
    quality.forget("m", [id_of("m 20")], NOON)
    keeping = CaptureKeeping(folder, 1 << 30, quality, versions, lambda: NOON / 1000)
    keeping()
    assert numbers(folder) == [0, 50]
    assert numbers(folder, model="gone") == [0, 20]
    tight = CaptureKeeping(folder, 1, quality, versions, lambda: NOON / 1000)
    tight()
    assert models(folder) == []
    engine.dispose()
