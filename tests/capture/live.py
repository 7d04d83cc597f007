"""Live traffic: predictions that are captured, and labels that come for them later."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from service.base.database import migrate, open_database
from service.base.signature import Tensors
from service.capture.feedback import LiveRows
from service.capture.schema import Form
from service.capture.wanted import Wanted
from service.quality.predicted import Kind as AnswerKind
from service.quality.predicted import Prediction, Shape, pack_classes
from service.quality.store import QualityStore
from tests.capture.made import NOON, PLAIN, answered, form_of, id_of, row_of, write
from tests.quality.rows import joined

THREE = Shape(AnswerKind.CLASSES, 3)
CLASSES = Wanted(PLAIN, "classes", 3, ("a", "b", "c"))


class Traffic:
    """One model's; each file has one prediction unless several are sent at once."""

    def __init__(self, folder: Path) -> None:
        engine = open_database(f"sqlite:///{folder}/db.sqlite")
        migrate(engine)
        self.engine = engine
        self.store = QualityStore(engine, "/models")
        self.folder = folder / "captured"
        self.live = LiveRows(self.folder, self.store, "m")
        self._files = 0

    def predict(
        self,
        name: str,
        inputs: Tensors | float = 0.0,
        at: int = NOON,
        own: str = "",
        form: Form | None = None,
    ) -> None:
        """A prediction whose inputs are captured."""
        self._files += 1
        given = inputs if isinstance(inputs, dict) else row_of(inputs)
        some = [answered(name, given, at, own)]
        write(self.folder, some, number=self._files, form=form or form_of())

    def label(
        self, name: str, truth: int, row: int = 0, at: int = NOON, version: int = 1, later: int = 0
    ) -> None:
        """The label of a row, some time after the prediction."""
        content = pack_classes(3, np.zeros(row + 2, np.int64), np.full(row + 2, 0.5))
        made = Prediction(id_of(name), version, at, THREE, row + 2, content)
        self.store.record_feedback("m", [joined(made, row, truth)], at + later)

    def learnt(self, classes: Sequence[int], since: int = 0, at: int = NOON) -> None:
        """Predictions with labels: the number of each is its place from `since` on."""
        for number, truth in enumerate(classes, since):
            self.predict(str(number), float(number), at + number)
            self.label(str(number), truth, at=at + number)

    def close(self) -> None:
        self.engine.dispose()
