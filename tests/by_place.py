"""How pytest-xdist shares tests out: files, and some folders, whole and in the order given."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class ByPlace(LoadScopeScheduling):
    """Files, and what lies below the `together` folders, are not divided."""

    def __init__(self, config: pytest.Config, log: Any, together: tuple[str, ...]) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self._together = together

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((folder for folder in self._together if file.startswith(folder)), file)
