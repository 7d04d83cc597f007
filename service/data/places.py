"""Where data files lie: what was uploaded for a model, and the operator's folder."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from service.base.refusals import DataRefused
from service.data.dataset import DataLimits
from service.data.wording import file_text

UPLOADED = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class DataPlaces:
    """`uploads` holds the files sent for one model, `folder` is the setting data_dir.

    `limits` are the bounds of each file in either.
    """

    uploads: Path
    folder: Path | None = None
    limits: DataLimits = field(default_factory=DataLimits)


def find_data(name: str, places: DataPlaces) -> Path:
    """The file of this name: an uploaded one, else one below the data folder.

    No link leads out of either. Raises DataRefused.
    """
    shown = file_text(name)
    if UPLOADED.fullmatch(name):
        path = places.uploads / name
        if path.is_file() and not path.is_symlink():
            return path
    if places.folder is None:
        wrong = "is no uploaded file, and there is no data folder"
        raise DataRefused(shown, "", wrong, "an upload, or the setting data_dir")
    try:
        root = places.folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        wrong = "is not there"
        raise DataRefused(shown, "", wrong, "an uploaded file, or one in data_dir") from error
    if not path.is_relative_to(root):
        raise DataRefused(shown, "", "leads out of the data folder", "a path inside data_dir")
    return path
