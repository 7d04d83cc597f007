"""Where a version comes from, as its manifest tells: who published it, and how it was trained."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from service.base.refusals import FileBroken
from service.base.strict_json import Json
from service.repository.manifest import Provenance, read_provenance


def lineage(repository: Path, model: str, version: int) -> Json | None:
    """In short, for a list of versions; none where nobody has recorded it."""
    about = _read(repository / model / str(version))
    if about is None:
        return None
    return {**_published(about), "training": _in_short(about.training) if about.training else None}


def whole_lineage(home: Path) -> Json | None:
    """All of it, of the version whose files lie there."""
    about = _read(home)
    if about is None:
        return None
    return {**_published(about), "training": dict(about.training) or None}


def _read(home: Path) -> Provenance | None:
    with suppress(FileBroken):
        about = read_provenance(home)
        return None if about == Provenance() else about
    return None


def _published(about: Provenance) -> Json:
    return {
        "parent": about.parent, "at": about.at, "by": about.uploaded_by, "why": about.why,
        "sha256": about.sha256,
    }  # fmt: skip


def _in_short(training: Any) -> Json:
    """A manifest may be anybody's: what isn't of the form that jobs write is left out."""
    epochs, data, scores = (training.get(name) for name in ("epochs", "data", "scores"))
    return {
        "job": training.get("job"),
        "description": training.get("description"),
        "data_sha256": data.get("sha256") if isinstance(data, dict) else None,
        "rows": data.get("rows") if isinstance(data, dict) else None,
        "epochs_run": epochs.get("epochs_run") if isinstance(epochs, dict) else None,
        "best_epoch": epochs.get("best_epoch") if isinstance(epochs, dict) else None,
        "scores": [
            {name: one.get(name) for name in ("version", "dataset", "rows", "metrics")}
            for one in (scores if isinstance(scores, list) else ())
            if isinstance(one, dict)
        ],
    }
