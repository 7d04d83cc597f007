"""What programs that watch beside a web process have in common at their end."""

import signal
import threading


def told_to_end() -> threading.Event:
    """Set by the signals that end a process."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
