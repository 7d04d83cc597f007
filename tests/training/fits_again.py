"""Fits one upon the other, and those that end at an awkward moment, for `test_fits_again.py`.

python -m tests.training.fits_again FOLDER          writes FOLDER/told.json
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

from service.base.job_errors import Cancelled
from service.base.strict_json import Json
from service.recipe.compiling import Compile
from service.training.model.compilation import compile_model
from service.training.model.compiled_as import CompiledAs, decide
from service.training.model.label_form import Labels
from service.training.model.prepared import Prepared
from service.training.model.told_by_file import Told
from tests.training.fit_interrupted import written
from tests.training.fit_world import FEATURES, Attempt, data, dense, numbers, plain, request, run

LOWERED = {
    "cosine": {"LearningRateScheduler": {"schedule": {"kind": "cosine"}}},
    "plateau": {"ReduceLROnPlateau": {"patience": 1, "min_delta": 1}},
    "best": {
        "LearningRateScheduler": {"schedule": {"kind": "cosine"}},
        "ModelCheckpoint": {"filepath": "best.keras", "save_best_only": True},
    },
}


def upon_another(folder: Path) -> Json:
    """The rates of a fit, and of one that begins with the file that came of it."""
    result: Json = {}
    for name, callbacks in LOWERED.items():
        path = folder / f"{name}.keras"
        first = run(dense(), data(numbers(48)), request(callbacks), Attempt(folder / name))
        first.model.save(path)
        reopened = Prepared(keras.models.load_model(path), {}, 1)
        second = run(reopened, data(numbers(48)), request(callbacks), Attempt(folder / f"{name} 2"))
        result[name] = [[each.learning_rate for each in fit.history] for fit in (first, second)]
    return result


class CutOff(Attempt):
    """Ends while the third epoch is kept, when everything has been told of it."""

    asked = 0

    def check(self) -> None:
        self.asked += 1
        if self.asked == 6:  # twice an epoch: before it is told, and before it is kept
            raise Cancelled("job")


def cut_off(folder: Path) -> Json:
    """What the files of a fit tell that was cut off there, and of one that was not."""
    callbacks = {"CSVLogger": True, "TensorBoard": {"update_freq": 1}}
    result: Json = {}
    for name, kinds in (("whole", [Attempt]), ("cut off", [CutOff, Attempt])):
        for kind in kinds:
            try:
                run(dense(), data(numbers(48)), request(callbacks), kind(folder / name))
            except Cancelled:
                result["before"] = written(folder / name)
        result[name] = written(folder / name)
    return result


def validated_in_some(folder: Path) -> Json:
    """The epochs that were validated, of those that were asked for."""
    asked = request(fit={"validation_freq": [1, 4]})
    fitted = run(plain(), data(numbers(48)), asked, Attempt(folder))
    return {"epochs": [each.epoch for each in fitted.history if "val_loss" in each.metrics]}


def without_an_axis(folder: Path) -> Json:
    """The accuracy that a model of answers without an axis is told to have, and has."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((FEATURES,))
    answer = keras.layers.Dense(1, activation="sigmoid")(inputs)
    model = keras.Model(inputs, keras.ops.squeeze(answer, -1))
    labels = Labels("binary", 1, "sigmoid", is_flat=True)
    decided = decide(Compile(), Told(), labels, set().__contains__)
    assert isinstance(decided, CompiledAs)
    compile_model(model, decided, {}, "")
    rows = numbers(48)
    fitted = run(Prepared(model, {}, 1), data(rows, rows), request(), Attempt(folder))
    answers = fitted.model.predict(rows.inputs["numbers"], verbose=0) > 0.5
    return {
        "output": list(model.output_shape),
        "told": fitted.history[-1].metrics["val_accuracy"],
        "true": float(np.mean(answers == rows.labels)),
    }


def main(folder: Path) -> None:
    scenarios = (upon_another, cut_off, validated_in_some, without_an_axis)
    result = {each.__name__: each(folder / each.__name__) for each in scenarios}
    (folder / "told.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
