"""W3C Trace Context: which trace a request belongs to, as the header `traceparent` tells it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.base.log import trace_id

TRACEPARENT = b"traceparent"
TRACESTATE = b"tracestate"
FORM = re.compile(
    rb"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    rb"(?P<more>-.*)?"
)
CURRENT, INVALID = b"00", b"ff"
SAMPLED = 1
MAX_STATE_BYTES = 512  # as much as everybody must pass on; what is longer is left out as a whole


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The caller's span: hexadecimal ids, and whether it is recorded there."""

    trace_id: str
    span_id: str
    is_sampled: bool
    state: str = ""


def parse_traceparent(text: bytes, state: bytes = b"") -> TraceParent | None:
    """The caller's span; none for whatever the recommendation calls invalid.

    Of a version after 00 the four parts that it shares with 00 are read, as is demanded there.
    """
    match = FORM.fullmatch(text.strip(b" \t"))
    if match is None or match["version"] == INVALID:
        return None
    if match["version"] == CURRENT and match["more"] is not None:
        return None
    trace, span = match["trace"], match["span"]
    if not trace.strip(b"0") or not span.strip(b"0"):
        return None
    is_sampled = bool(int(match["flags"], 16) & SAMPLED)
    kept = state.decode("ascii", "ignore") if len(state) <= MAX_STATE_BYTES else ""
    return TraceParent(trace.decode(), span.decode(), is_sampled, kept)


def begin_trace(headers: Mapping[bytes, bytes]) -> TraceParent | None:
    """Called first of all for each request: from here on, its log lines name its trace."""
    text = headers.get(TRACEPARENT)
    parent = None if text is None else parse_traceparent(text, headers.get(TRACESTATE, b""))
    trace_id.set("" if parent is None else parent.trace_id)
    return parent
