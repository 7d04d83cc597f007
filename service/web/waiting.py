"""Waiting, in a thread, for a version that is about to be there."""

import math
import time

from service.web.process import WebProcess

WAIT_STEP_S = 0.01


def wait_for(
    process: WebProcess,
    model: str,
    version: int | None = None,
    label: str = "",
    deadline: float = math.inf,
) -> None:
    """Wait for a version that is being loaded; the request then meets whatever is there."""
    look = process.arrivals.look_for(model, version, label)
    while look is not None and process.arrivals.should_wait(look, deadline):
        time.sleep(WAIT_STEP_S)
