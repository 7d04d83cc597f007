"""Waiting, in a thread, for a version that is about to be there."""

import math
import time

from service.web.process import WebProcess

WAIT_STEP_S = 0.01


def wait_for(process: WebProcess, model: str, deadline: float = math.inf) -> None:
    """Wait for a version that is being loaded; the request then meets whatever is there."""
    ticket = process.look_for(model)
    started = time.monotonic()
    while ticket is not None and process.should_wait(model, ticket, started, deadline):
        time.sleep(WAIT_STEP_S)
