"""What a hostile file would run: harmless code that leaves the id of its case as a mark."""

import base64
import marshal
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.base.strict_json import Json

ENVIRONMENT = "ATTACK_MARKER"


@dataclass(frozen=True, slots=True)
class Payloads:
    """Code in all its wrappings; it marks the file of the environment, else `marker`."""

    marker: Path

    def as_object(self, case: str) -> Json:
        """A Lambda's function as Keras 3 writes it."""
        settings = {"code": self.bytecode(case), "defaults": None, "closure": None}
        return {"class_name": "__lambda__", "config": settings}

    def as_value(self, case: str) -> Json:
        """The form that Keras 3 reads where any other value may stand."""
        return {"class_name": "__lambda__", "config": {"value": self.as_list(case)}}

    def as_list(self, case: str) -> list[Any]:
        """A Lambda's function as Keras 2 writes it."""
        return [self.bytecode(case), None, None]

    def bytecode(self, case: str) -> str:
        """Marshalled code of one argument, which it returns."""
        source = f"lambda x: ({self.python(case)}, x)[1]"
        code = eval(source).__code__
        return base64.encodebytes(marshal.dumps(code)).decode("ascii")

    def shell(self, case: str) -> str:
        """A command for a shell."""
        return f'echo {case} >> "${{{ENVIRONMENT}:-{self.marker}}}"; true'

    def python(self, case: str) -> str:
        """An expression, which exec takes as well."""
        mark = f"lambda f: (f.write({case + chr(10)!r}), f.close())"
        return f"({mark})(open({self._path()}, 'a'))"

    def pickled(self, case: str) -> bytes:
        """A pickle that runs when it is read."""
        return pickle.dumps(self.unpicklable(case))

    def unpicklable(self, case: str) -> "RunsWhenUnpickled":
        """An object whose pickle runs when it is read."""
        return RunsWhenUnpickled(self.python(case))

    def _path(self) -> str:
        return f"__import__('os').environ.get({ENVIRONMENT!r}, {str(self.marker)!r})"


@dataclass(frozen=True, slots=True)
class RunsWhenUnpickled:
    """Pickles as a call of exec."""

    statement: str

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (exec, (self.statement,))
