"""Why a file isn't taken: the branch of the errors' tree that file readers raise.

    FileRefused                 file_refused
    ├── FileBroken              file_broken
    ├── FileUnsafe              file_unsafe
    ├── WeightsMismatch         weights_mismatch
    ├── ModelUnsupported        model_unsupported
    │   └── ClassesMissing      classes_missing
    ├── TrainingRefused         training_refused
    ├── CompileFailed           compile_failed
    └── ArtefactCorrupt         artefact_corrupt
    ModelConfigInvalid          bad_model_config
    DataRefused            422  bad_data

Each text begins with the file's name, says what is wrong and where, and what to do about it.
"""

from collections.abc import Sequence

from service.base.errors import KerasdError, OperatorError


class FileRefused(OperatorError):
    """A model file won't be served; the text says why and what to do."""

    code = "file_refused"


class FileBroken(FileRefused):
    """The file is damaged, incomplete, or not a Keras file at all."""

    code = "file_broken"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")


class FileUnsafe(FileRefused):
    """The file asks for something that could run a stranger's code."""

    code = "file_unsafe"

    def __init__(self, name: str, hazards: Sequence[str]) -> None:
        super().__init__(f"{name} is refused: " + "; ".join(hazards))


class WeightsMismatch(FileRefused):
    """The weights don't belong to the architecture."""

    code = "weights_mismatch"

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{name}: the weights don't fit the architecture: {why}")


class ModelUnsupported(FileRefused):
    """The file is well formed, but this version of kerasd can't build it."""

    code = "model_unsupported"

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{name} can't be built: {why}")


class ClassesMissing(ModelUnsupported):
    """The file needs custom classes or functions that the operator hasn't registered."""

    code = "classes_missing"

    def __init__(self, name: str, classes: Sequence[str], details: Sequence[str]) -> None:
        listed = "; ".join(
            [
                f"it needs classes that Keras doesn't have: {', '.join(classes)}",
                *details,
                "register a module that defines them with the setting custom_objects",
            ]
        )
        super().__init__(name, listed)


class TrainingRefused(FileRefused):
    """The model can't be trained as the request asks; the text names the layer, or the cure."""

    code = "training_refused"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} can't be trained as asked: {why}")


class CompileFailed(FileRefused):
    """The child process that compiles a version didn't finish."""

    code = "compile_failed"


class ArtefactCorrupt(FileRefused):
    """A compiled file isn't what was written; it is compiled again."""

    code = "artefact_corrupt"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"compiled file {path}: {why}")


class ModelConfigInvalid(OperatorError):
    """A `model.yaml` can't be used."""

    code = "bad_model_config"

    def __init__(self, why: str) -> None:
        super().__init__(f"model.yaml: {why}")


class DataRefused(KerasdError):
    """A data file can't be learned from; `where` is a line, row, column or array, or empty."""

    status = 422
    code = "bad_data"

    def __init__(self, name: str, where: str, wrong: str, expected: str = "") -> None:
        place = f"{where}: " if where else ""
        cure = f"; expected {expected}" if expected else ""
        super().__init__(f"{name}: {place}{wrong}{cure}")
