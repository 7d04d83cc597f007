"""What one worker is made of."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from service.base.refusals import ArtefactCorrupt
from service.base.settings import Settings
from service.repository.states import State, VersionRow
from service.web import process as process_module
from service.web.process import WebProcess


@pytest.mark.parametrize(("count", "threads"), [(6, 3), (1, 1)])
def test_a_long_run_has_a_workers_share_of_the_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, threads: int
) -> None:
    asked: list[object] = []

    def load(*given: object) -> None:
        asked.append(given[3])
        raise ArtefactCorrupt("a", "it is loaded no further")

    compiled = SimpleNamespace(runtime="onnx")
    monkeypatch.setattr(process_module, "processors", lambda: count)
    monkeypatch.setattr(process_module, "read_compiled", lambda _: compiled)
    monkeypatch.setattr(process_module, "OnnxVersion", load)
    process = WebProcess(Settings(state_dir=tmp_path, repository=tmp_path, workers=2))
    with pytest.raises(ArtefactCorrupt):
        process._load(VersionRow("m", 1, State.READY, artefact="a"))
    process.close()
    assert asked == [threads]
