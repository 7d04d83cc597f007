"""What can be done on this machine with a version: have it compiled, have TensorFlow run it.

The image without TensorFlow, and one whose compiled versions were baked into it, can do neither or
only the second. Then nothing is begun that can't end well, and the reason says what to do.
"""

import os
from importlib.util import find_spec
from pathlib import Path

from service.base.compiled import Compiled

NO_COMPILER = (
    "it isn't among the compiled versions, and compiling needs TensorFlow, which is not installed "
    "here: compile it with kerasd bake, or run a controller where TensorFlow is "
    "(the image kerasd:full, or pip install 'kerasd[train]')"
)
NOT_RUN_HERE = (
    "it could be compiled for TensorFlow only, which is not installed here: serve it where "
    "TensorFlow is (the image kerasd:full, or pip install 'kerasd[train]')"
)


def has_tensorflow() -> bool:
    """Whether it is installed; that is looked up, nothing is imported."""
    return find_spec("tensorflow") is not None


class Workshop:
    """Why a version can't be compiled or run here; empty texts where it can."""

    def __init__(self, compiled_dir: Path, tensorflow: bool = True) -> None:
        self._compiled_dir = compiled_dir
        self._tensorflow = tensorflow

    def why_not_compile(self) -> str:
        """Asked each time: a folder may be made writable while the service runs."""
        if not self._tensorflow:
            return NO_COMPILER
        if _is_writable(self._compiled_dir):
            return ""
        return (
            f"it isn't among the compiled versions, and their folder {self._compiled_dir} can't be "
            "written: compile it with kerasd bake, or name another folder by KERASD_COMPILED_DIR"
        )

    def why_not_run(self, compiled: Compiled) -> str:
        """A version that was compiled to ONNX needs no TensorFlow."""
        return "" if self._tensorflow or compiled.runtime == "onnx" else NOT_RUN_HERE


def _is_writable(folder: Path) -> bool:
    """Whether it can be written, or made."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return os.access(there, os.W_OK)
