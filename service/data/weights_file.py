"""Find the weights file that a request names: one file, or a checkpoint, which is several."""

from pathlib import Path

from service.base.refusals import DataRefused
from service.data.checkpoint_zip import INDEX, PART, ZIP, check_checkpoint
from service.data.places import DataPlaces, find_data


def find_weights(name: str, places: DataPlaces) -> Path:
    """The file, or the index of a checkpoint that is named as Keras' users do: by what its files
    begin with (`cp.ckpt`), by one of them, or by the folder with nothing else in it. An archive of
    one (`cp.zip`) stays what it is.

    Raises DataRefused.
    """
    prefix = PART.sub("", name)
    try:
        return find_data(f"{prefix}{INDEX}", places)
    except DataRefused:
        return _file(find_data(name, places), name, places)


def _file(path: Path, name: str, places: DataPlaces) -> Path:
    if not path.is_dir():
        if path.suffix.lower() == ZIP:
            check_checkpoint(path)
        return path
    found = sorted(path.glob(f"*{INDEX}"))
    if len(found) != 1:
        wrong = f"is a folder with {len(found)} checkpoints"
        raise DataRefused(name, "", wrong, "the name of one of them, such as cp.ckpt")
    return find_data(f"{name}/{found[0].name}", places)  # it may be a link that leads out
