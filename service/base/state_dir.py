"""The state directory, made for its owner alone by whoever is the first to need it."""

from pathlib import Path


def make_folder(folder: Path, state_dir: Path) -> None:
    """Make a folder, and the state directory before it if it lies in that.

    Labels, kept inputs and the keys of receipts are nobody else's. A state directory that is there
    stays as its operator made it.
    """
    if folder.absolute().is_relative_to(state_dir.absolute()):
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
