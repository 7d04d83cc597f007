"""The checker itself: it finds a wrong, a stale, a backward and an unexplained answer."""

from dataclasses import replace
from math import inf

import pytest

from tests.chaos.load import told
from tests.chaos.seen import DIED, LATE, OK, REFUSED, Promotion, Published, Seen
from tests.chaos.verdict import (
    backward,
    failures,
    lost_elsewhere,
    outside,
    recovered_s,
    slowest_s,
    stale,
    wrong,
)

ONE, TWO = Published("m", 1, 10), Published("m", 2, 20)
FIRST = Promotion("m", 1, -inf, -inf)


def answer(sent: float, version: int, took: float = 0.1) -> Seen:
    return Seen("m", sent, sent + took, OK, version=str(version), factor=version * 10.0, worker="a")


def failure(sent: float, why: str = DIED, status: int = 0, worker: str = "a") -> Seen:
    return Seen("m", sent, sent + 0.1, status, why=why, worker=worker)


class TestWrong:
    def test_answers_of_the_versions_that_they_claim_are_right(self) -> None:
        assert wrong([answer(1, 1), answer(2, 2), failure(3)], [ONE, TWO]) == []

    @pytest.mark.parametrize(
        ("broken", "words"),
        [
            (replace(answer(1, 1), factor=20.0), "multiplies by 10, not by 20"),
            (replace(answer(1, 1), factor=None), "not by None"),
            (replace(answer(1, 1), version="3"), "'3' was never published"),
            (replace(answer(1, 1), version="None"), "'None' was never published"),
            (replace(answer(1, 1), model="n"), "n: version '1' was never published"),
            (replace(answer(1, 1), asked=2), "version 2 was asked, 1 answered"),
        ],
        ids=["another", "mixed", "unknown", "nameless", "foreign", "asked"],
    )
    def test_each_kind_is_found(self, broken: Seen, words: str) -> None:
        (found,) = wrong([answer(1, 1), broken, answer(1, 1)], [ONE, TWO])
        assert words in found

    def test_an_answer_before_the_version_was_whole_is_wrong(self) -> None:
        late = replace(TWO, since=5.0)
        assert wrong([answer(5, 2)], [late]) == []
        assert "before it was published" in wrong([answer(4, 2)], [late])[0]

    def test_an_answer_to_a_request_sent_after_it_was_gone_is_wrong(self) -> None:
        gone = replace(ONE, until=5.0)
        assert wrong([answer(4.95, 1)], [gone]) == []
        assert "after it was gone" in wrong([answer(5.1, 1)], [gone])[0]


class TestTold:
    def test_the_version_and_its_factor(self) -> None:
        v1 = b'{"predictions": [[3.0, 6.0, 9.0, 12.0]], "model_version": "2"}'
        v2 = b'{"model_version": "2", "outputs": [{"data": [3.0, 6.0, 9.0, 12.0]}]}'
        assert told(v1) == told(v2) == ("2", 3.0)

    def test_numbers_of_two_versions_tell_none(self) -> None:
        mixed = b'{"predictions": [[3.0, 6.0, 9.0, 16.0]], "model_version": "2"}'
        assert told(mixed) == ("2", None)

    def test_an_answer_without_a_version_claims_none(self) -> None:
        assert told(b'{"predictions": [[3.0, 6.0, 9.0, 12.0]]}') == ("None", 3.0)


class TestStale:
    SWAP = Promotion("m", 2, 10.0, 11.0)

    @pytest.mark.parametrize(
        ("seen", "is_right"),
        [
            (answer(1, 1), True),
            (answer(9, 2), False),
            (answer(9, 2, took=1.5), True),
            (answer(10.5, 1), True),
            (answer(10.5, 2), True),
            (answer(10.9, 1, took=9), True),
            (answer(11.1, 1), False),
            (answer(11.1, 2), True),
        ],
        ids=["before", "too-soon", "begun-meanwhile", "old-during", "new-during", "slow-old",
             "old-after", "new-after"],
    )  # fmt: skip
    def test_one_swap(self, seen: Seen, is_right: bool) -> None:
        assert stale([seen], [FIRST, self.SWAP]) == ([] if is_right else [seen])

    def test_back_and_forth(self) -> None:
        back = Promotion("m", 1, 20.0, 21.0)
        history = [FIRST, self.SWAP, back]
        assert stale([answer(15, 2), answer(25, 1)], history) == []
        assert stale([answer(15, 1), answer(25, 2)], history) == [answer(15, 1), answer(25, 2)]

    def test_of_two_at_once_either_may_have_been_last(self) -> None:
        other = Promotion("m", 3, 10.5, 12.0)
        history = [FIRST, self.SWAP, other]
        assert stale([answer(15, 2), answer(15, 3)], history) == []
        assert stale([answer(15, 1)], history) == [answer(15, 1)]

    def test_a_call_of_unknown_end_may_come_true_at_any_time(self) -> None:
        lost = Promotion("m", 2, 10.0, inf)
        assert stale([answer(9000, 2), answer(9000, 1)], [FIRST, lost]) == []

    def test_a_version_asked_for_by_number_is_never_stale(self) -> None:
        asked = replace(answer(11.5, 1), asked=1)
        assert stale([asked], [FIRST, self.SWAP]) == []


class TestBackward:
    SWAP = Promotion("m", 2, 10.0, 11.0)

    def test_the_old_one_after_somebody_has_seen_the_new_one(self) -> None:
        seen = [answer(10.1, 1), answer(10.2, 2), answer(10.35, 1), answer(10.4, 2)]
        assert backward(seen, [self.SWAP]) == [seen[2]]

    def test_requests_that_overlap_prove_nothing(self) -> None:
        assert backward([answer(10.2, 2, took=0.3), answer(10.3, 1)], [self.SWAP]) == []


class TestFailures:
    def test_they_are_counted_by_kind(self) -> None:
        seen = [failure(1), failure(2, REFUSED), failure(3, "slow down", 429), failure(4, LATE)]
        seen += [failure(5, "loading", 503), answer(6, 1)]
        assert failures(seen) == {DIED: 1, REFUSED: 1, "429": 1, "503": 1, LATE: 1}

    def test_a_connection_lost_by_a_worker_that_goes_on(self) -> None:
        killed, living = failure(2, worker="a"), failure(2, worker="b")
        seen = [answer(1, 1), killed, living, replace(answer(3, 1), worker="b")]
        assert lost_elsewhere(seen) == [living]

    def test_only_what_overlaps_an_event_is_explained(self) -> None:
        seen = [failure(1), failure(4.95), failure(6), failure(9)]
        assert outside(seen, [(5.0, 7.0)]) == [seen[0], seen[3]]


class TestRecovered:
    def test_to_the_last_failure_that_enough_good_ones_follow(self) -> None:
        seen = [answer(1, 1), failure(2), answer(3, 1), failure(4), *(answer(5, 1),) * 3]
        assert recovered_s(seen, 1.5, needed=3) == pytest.approx(2.6)
        assert recovered_s(seen, 1.5, until=3.5, needed=1) == pytest.approx(0.6)
        assert recovered_s(seen, 4.5, needed=3) == 0
        assert recovered_s(seen, 1.5, needed=4) is None

    def test_the_slowest_is_of_those_sent_in_between(self) -> None:
        seen = [answer(1, 1, took=9), answer(2, 1, took=3), answer(5, 1, took=9)]
        assert slowest_s(seen, 1.5, 4) == 3
