"""Which `traceparent` headers are believed, and what the log then says."""

import pytest

from service.base.log import trace_id
from service.web.trace_context import MAX_STATE_BYTES, TraceParent, begin_trace, parse_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f" \t00-{TRACE}-{SPAN}-01 ", True),
        (f"01-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", True),
    ],
)
def test_a_valid_header_is_read(text: str, is_sampled: bool) -> None:
    assert parse_traceparent(text.encode()) == TraceParent(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0x",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"01-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
    ],
)
def test_an_invalid_header_is_as_good_as_none(text: str) -> None:
    assert parse_traceparent(text.encode()) is None


def test_the_log_names_the_trace_of_this_request_and_no_other() -> None:
    text = f"00-{TRACE}-{SPAN}-01".encode()

    begin_trace({b"traceparent": text, b"tracestate": b"vendor=1"})
    named = trace_id.get()
    begin_trace({b"traceparent": b"nonsense"})
    after_nonsense = trace_id.get()
    begin_trace({})

    assert (named, after_nonsense, trace_id.get()) == (TRACE, "", "")


@pytest.mark.parametrize(
    ("length", "is_kept"), [(MAX_STATE_BYTES, True), (MAX_STATE_BYTES + 1, False)]
)
def test_the_state_of_other_vendors_is_kept_as_a_whole_or_not(length: int, is_kept: bool) -> None:
    state = b"a=" + b"b" * (length - 2)

    parent = parse_traceparent(f"00-{TRACE}-{SPAN}-01".encode(), state)

    assert parent is not None
    assert parent.state == (state.decode() if is_kept else "")
