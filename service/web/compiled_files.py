"""What the compiled versions were before: read once for each, as it never changes."""

from collections.abc import Mapping
from pathlib import Path

from service.base.compiled import read_compiled
from service.base.refusals import ArtefactCorrupt
from service.web.model_view import ModelView

File = tuple[str, str]  # format and version of Keras
UNKNOWN: File = ("", "")


class CompiledFiles:
    """The compiled folders of one cache."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, File] = {}

    def of(self, view: ModelView) -> Mapping[str, File]:
        """By artefact, as far as they can be read."""
        for slot in view.loaded.values():
            identity = slot.served.facts.identity
            self._files[identity.artefact] = (identity.format, identity.keras_version)
        for artefact in {row.artefact for row in view.rows if row.artefact} - self._files.keys():
            try:
                compiled = read_compiled(self._folder / artefact)
            except ArtefactCorrupt:
                continue
            self._files[artefact] = (compiled.format, compiled.keras_version)
        return self._files
