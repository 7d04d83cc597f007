"""What a record of requests proves: wrong, stale and failed ones, and how long recovering took."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf

from tests.chaos.seen import Promotion, Published, Seen

GOOD_IN_A_ROW = 20


def wrong(seen: Iterable[Seen], published: Iterable[Published]) -> list[str]:
    """Answers that no version gave which could: each has to be of the one that it claims."""
    known = {(each.model, str(each.version)): each for each in published}
    found = []
    for each in seen:
        if each.is_good:
            fault = _fault(each, known.get((each.model, each.version)))
            if fault:
                found.append(f"{each.model}: {fault}")
    return found


def stale(seen: Iterable[Seen], promotions: Iterable[Promotion]) -> list[Seen]:
    """Answers from a version that was no longer, or not yet, current.

    One is right if a promotion of its version had begun before it was answered, and no promotion
    that began after that one's end had ended before the request was sent. What is current at the
    beginning counts as promoted: put it into the list.
    """
    orders: dict[str, list[Promotion]] = defaultdict(list)
    for promotion in promotions:
        orders[promotion.model].append(promotion)
    histories = {model: _History(order) for model, order in orders.items()}
    return [
        each
        for each in seen
        if each.is_good and each.asked is None and not histories[each.model].explains(each)
    ]


def backward(seen: Iterable[Seen], promotions: Sequence[Promotion]) -> list[Seen]:
    """Answers from the version before, to requests sent after somebody had seen the new one.

    Looks at each promotion that overlaps no other, from its beginning to its end.
    """
    found = []
    current = [each for each in seen if each.is_good and each.asked is None]
    for promotion in promotions:
        during = [
            each
            for each in current
            if each.model == promotion.model
            and promotion.began <= each.answered
            and each.sent <= promotion.ended
        ]
        new = [each.answered for each in during if each.version == str(promotion.version)]
        first = min(new, default=promotion.ended)
        found += [
            each for each in during if each.sent > first and each.version != str(promotion.version)
        ]
    return found


def failures(seen: Iterable[Seen]) -> Counter[str]:
    """How many requests got no prediction, by kind."""
    return Counter(each.kind for each in seen if not each.is_good)


def lost_elsewhere(seen: Sequence[Seen]) -> list[Seen]:
    """Connections that died although their worker went on answering others later."""
    last: dict[str, float] = {}
    for each in seen:
        if each.is_good and each.worker:
            last[each.worker] = max(last.get(each.worker, 0.0), each.sent)
    return [
        each for each in seen if each.status == 0 and last.get(each.worker, 0.0) > each.answered
    ]


def outside(seen: Iterable[Seen], windows: Iterable[tuple[float, float]]) -> list[Seen]:
    """The failures that no event explains: answered before one began, or sent after it was over."""
    spans = list(windows)
    return [
        each
        for each in seen
        if not each.is_good
        and not any(began <= each.answered and each.sent <= ended for began, ended in spans)
    ]


def recovered_s(
    seen: Iterable[Seen], since: float, until: float = inf, needed: int = GOOD_IN_A_ROW
) -> float | None:
    """From a moment to the answer of the last that failed of the requests sent from then on.

    Zero where none failed; none where not so many good ones follow, all of them sent by `until`.
    """
    sent = sorted((each for each in seen if since <= each.sent <= until), key=lambda one: one.sent)
    failed = [each.answered for each in sent if not each.is_good]
    last = max(failed, default=since)
    good = sum(each.is_good and each.sent >= last for each in sent)
    return last - since if good >= needed else None


def slowest_s(seen: Iterable[Seen], since: float, until: float) -> float:
    """How long the longest answer took of those sent in between."""
    took = [each.answered - each.sent for each in seen if since <= each.sent <= until]
    return max(took, default=0.0)


def _fault(each: Seen, published: Published | None) -> str:
    if published is None:
        return f"version {each.version!r} was never published"
    if each.factor != published.factor:
        return f"version {each.version} multiplies by {published.factor}, not by {each.factor}"
    if each.asked is not None and each.asked != published.version:
        return f"version {each.asked} was asked, {each.version} answered"
    if each.answered < published.since:
        return f"version {each.version} answered before it was published"
    if each.sent > published.until:
        return f"version {each.version} answered after it was gone"
    return ""


class _History:
    """The promotions of one model, by their beginnings and by their ends."""

    def __init__(self, promotions: Sequence[Promotion]) -> None:
        self._begun = sorted(promotions, key=lambda one: one.began)
        over = sorted(promotions, key=lambda one: one.ended)
        self._ends = [one.ended for one in over]
        # The last beginning of those that are over: what ended before it has been superseded.
        self._last = list(accumulate((one.began for one in over), max))
        # The last end of those that have begun: nothing before them can have ended later.
        self._latest = list(accumulate((one.ended for one in self._begun), max))

    def explains(self, each: Seen) -> bool:
        over = bisect_left(self._ends, each.sent)
        last = self._last[over - 1] if over else -inf
        at = bisect_right(self._begun, each.answered, key=lambda one: one.began)
        while at and self._latest[at - 1] >= last:
            at -= 1
            one = self._begun[at]
            if one.ended >= last and str(one.version) == each.version:
                return True
        return False
