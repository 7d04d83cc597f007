"""Whether this worker lives and whether it is ready, for the front and for Flask."""

from service.web.process import WebProcess

Health = tuple[int, dict[str, object]]


def live(_process: WebProcess) -> Health:
    """200 as long as somebody answers at all."""
    return 200, {"live": True}


def ready(process: WebProcess) -> Health:
    """200 once everything that should be served has been loaded, here and by the siblings.

    After it no request meets a worker that has not loaded what was served then; see `readiness.py`.
    503 again once it is to end: it answers on, but is to be sent nobody any more.
    Everybody may ask it: where access is not open, strangers don't learn the names of models.
    """
    if process.ending.is_draining:
        return 503, {"ready": False, "waits_for": ["draining"]}
    state = process.reloader.readiness
    status = 200 if state.is_ready else 503
    waits_for = list(state.waits_for)
    if waits_for and not process.access.is_open:
        waits_for = [f"{len(waits_for)} to be loaded or started"]
    return status, {"ready": state.is_ready, "waits_for": waits_for}
