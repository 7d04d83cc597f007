"""The one rule for names of models and numbers of versions, wherever they come from."""

import re

from service.base.errors import RequestInvalid

MODEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
VERSION_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


def is_model_name(text: str) -> bool:
    """True for 1 to 128 ASCII letters, digits, `_`, `.`, `-`, not beginning with `.` or `-`."""
    return MODEL_NAME.fullmatch(text) is not None


def check_model_name(text: str) -> str:
    """The name, if a model may be called so. Raises RequestInvalid."""
    if not is_model_name(text):
        raise RequestInvalid(
            f"model: expected 1 to 128 ASCII letters, digits, '_', '.', '-', got {text[:140]!a}"
        )
    return text


def parse_version(text: str) -> int | None:
    """The version's number, or none if the text is not a plain positive decimal number."""
    return int(text) if VERSION_NUMBER.fullmatch(text) else None
