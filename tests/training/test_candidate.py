"""A candidate comes in its parent's forms, under its names, and opens as what was trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.base.compiled import UNNAMED, digest_file, read_compiled, verify_files
from service.base.job_errors import Superseded
from service.base.refusals import CompileFailed
from service.loading.inspection import inspect_files
from service.training.publication.candidate import Forms, forms_of, read_candidate, write_candidate
from service.training.publication.compiled_candidate import check_answers, place_compiled
from tests.runtime.models import summing


@pytest.mark.parametrize(
    ("model", "modern", "older"),
    [
        ("breast-cancer", "model.keras", "h5"),
        ("digits", "model.keras", "json+weights"),
        ("motions", "model.keras", ""),
    ],
)
def test_the_forms_are_those_of_the_parent(
    sample_repository: Path, model: str, modern: str, older: str
) -> None:
    home = sample_repository / model / "1"
    files = {path.name: path for path in home.iterdir()}

    found = forms_of(files)

    assert found.modern == modern
    assert (found.older.format if found.older else "") == older


class TestPlacing:
    def compiled(self, folder: Path) -> Path:
        folder.mkdir(parents=True)
        summing(folder).write(folder)
        return folder

    def test_it_goes_where_the_controller_looks_and_is_marked(self, tmp_path: Path) -> None:
        compiled, cache = self.compiled(tmp_path / "job" / "version"), tmp_path / "cache"

        place_compiled(compiled, cache)

        verify_files(cache / "k", read_compiled(cache / "k"))
        assert (cache / f"k{UNNAMED}").exists()
        assert not compiled.exists()
        place_compiled(compiled, cache)  # an earlier attempt has done so

    def test_a_whole_one_stays_and_a_broken_one_is_replaced(self, tmp_path: Path) -> None:
        cache = tmp_path / "cache"
        there = self.compiled(cache / "k")
        place_compiled(self.compiled(tmp_path / "a"), cache)
        assert not (cache / f"k{UNNAMED}").exists()

        (there / "model.onnx").write_bytes(b"half")
        place_compiled(self.compiled(tmp_path / "b"), cache)
        verify_files(there, read_compiled(there))


def test_other_answers_than_in_training_are_refused() -> None:
    trained = np.array([[0.25], [0.5]], np.float32)
    check_answers("model.keras", trained, trained.reshape(2) + np.float32(1e-6))
    with pytest.raises(CompileFailed, match="answers otherwise than it did in training"):
        check_answers("model.keras", trained, trained * 2)


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own
class TestWriting:
    def answers(self, files: dict[str, Path]) -> np.ndarray:
        from service.base.load_options import LoadOptions
        from service.loading.build import build

        built = build(inspect_files(files), files, LoadOptions(), {})
        return np.asarray(built.model(np.eye(4, dtype=np.float32)))

    def parent(self, folder: Path, model: Any) -> dict[str, Path]:
        folder.mkdir()
        (folder / "net.json").write_text(model.to_json())
        model.save_weights(folder / "x.weights.h5")
        (folder / "x.weights.h5").rename(folder / "net_weights.h5")
        return {path.name: path for path in folder.iterdir()}

    def test_json_and_weights_keep_their_names(self, model: Any, tmp_path: Path) -> None:
        forms = forms_of(self.parent(tmp_path / "parent", model))

        write_candidate(model, forms, tmp_path, lambda: None)

        found = read_candidate(tmp_path)
        assert set(found.files) == {"model.keras", "net.json", "net_weights.h5"}
        assert found.digests["net.json"] == digest_file(found.files["net.json"])
        expected = np.asarray(model(np.eye(4, dtype=np.float32)))
        older = {name: path for name, path in found.files.items() if name != "model.keras"}
        for files in (dict(found.files), {"model.keras": found.files["model.keras"]}, older):
            np.testing.assert_allclose(self.answers(files), expected, rtol=1e-6)
        again = forms_of(found.files)
        assert (again.modern, again.older and again.older.format) == ("model.keras", "json+weights")

    def test_one_that_keras_can_not_write_in_the_old_form_comes_in_the_new_one(
        self, model: Any, tmp_path: Path
    ) -> None:
        class Unwritable:
            """Saves as Keras' own models do, but not as HDF5."""

            def get_config(self) -> None:
                raise NotImplementedError("no HDF5 for a subclassed model")

            def save(self, path: str) -> None:
                model.save(path)

        parent = tmp_path / "parent.h5"
        model.save(parent)
        write_candidate(Unwritable(), forms_of({"m.h5": parent}), tmp_path, lambda: None)
        assert set(read_candidate(tmp_path).files) == {"model.keras"}

    def test_who_is_superseded_leaves_none(self, model: Any, tmp_path: Path) -> None:
        def check() -> None:
            raise Superseded("j", 1)

        with pytest.raises(Superseded):
            write_candidate(model, Forms("model.keras", None), tmp_path, check)
        assert not (tmp_path / "candidate").exists()
