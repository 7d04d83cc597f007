"""Which names an uploaded file may have: no way out of its folder, no two for one file."""

from collections.abc import Collection

from service.base.errors import RequestInvalid
from service.base.names import is_model_name
from service.repository.layout import IGNORED_SUFFIXES, NOT_SOURCES
from service.repository.model_config import CONFIG_NAME

MAX_DEPTH = 5


def check_file_name(name: str, others: Collection[str], may_have_folders: bool) -> str:
    """The name, if a version may have a file of that name beside the others.

    Folders are for SavedModels only. Raises RequestInvalid.
    """
    parts = name.split("/") if may_have_folders else [name]
    if len(parts) > MAX_DEPTH or not all(is_model_name(part) for part in parts):
        raise RequestInvalid(
            f"file name: expected 1 to 128 ASCII letters, digits, '_', '.', '-', and no '.' or '-' "
            f"in front, got {name[:140]!a}"
        )
    if any(name.lower() == other.lower() for other in others):
        raise RequestInvalid(f"file name: {name} is there twice, or differs by its case only")
    if any(_is_within(name, other) or _is_within(other, name) for other in others):
        raise RequestInvalid(f"file name: {name} is a folder of another file, or that one of it")
    if name != CONFIG_NAME and _is_passed_over(name, len(parts) > 1):
        raise RequestInvalid(
            f"file name: {name} would not be taken for a part of a model; send model files, and "
            f"{CONFIG_NAME} with the first version of a model"
        )
    return name


def _is_within(name: str, folder: str) -> bool:
    return name.lower().startswith(f"{folder.lower()}/")


def _is_passed_over(name: str, is_in_folder: bool) -> bool:
    suffix = "." + name.rpartition(".")[2].lower()
    return name.lower() in NOT_SOURCES or (suffix in IGNORED_SUFFIXES and not is_in_folder)
