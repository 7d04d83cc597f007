"""Each row of a request is joined with its prediction, or has its own reason why not."""

from typing import Any

import numpy as np
import pytest

from service.quality.feedback import (
    Claim,
    Join,
    Labelled,
    Terms,
    missing,
    split_row,
)
from service.quality.outcomes import EXPLANATIONS, Outcome
from service.quality.predicted import Kind, Prediction, Shape, pack_classes
from tests.quality.keys import NOW, Clock, KeyList, receipts_of

NAMES = ("benign", "malignant")
TWO = Shape(Kind.CLASSES, 2)
RECEIPTS = receipts_of(KeyList("0a1b2c3d"), Clock())
DAY_MS = 86_400_000
AT = int(NOW * 1000)


def issue(model: str = "cancer", rows: int = 1, at: float = NOW, shape: Shape = TWO) -> str:
    content = pack_classes(2, np.arange(rows) % 2, np.full(rows, 0.75))
    issued = receipts_of(KeyList("0a1b2c3d"), Clock(at)).issuer(model, 4, shape)
    made = issued.issue(content if shape.row_bytes else b"", rows)
    assert made is not None
    return made.id


def take(
    *claims: tuple[str, Any], recorded: dict[bytes, Prediction] | None = None
) -> list[Labelled | Outcome]:
    join = Join(RECEIPTS, Terms("cancer", lambda _: NAMES, AT - 30 * DAY_MS))
    return join.join(join.locate([Claim(*claim) for claim in claims]), recorded or {})


def only(*claims: tuple[str, Any], recorded: dict[bytes, Prediction] | None = None) -> Labelled:
    (found,) = take(*claims, recorded=recorded)
    assert isinstance(found, Labelled)
    return found


def own(name: str, rows: int, at: int = AT) -> dict[bytes, Prediction]:
    content = pack_classes(2, np.arange(rows) % 2, np.full(rows, 0.75))
    key = RECEIPTS.own_id("cancer", name)
    return {key: Prediction(key, 4, at, TWO, rows, content)}


def test_a_label_meets_its_prediction() -> None:
    found = only((issue(), "malignant"))
    assert (found.row, found.predicted, found.truth) == (0, 0, 1)
    assert (found.prediction.version, found.prediction.at) == (4, AT)
    assert found.score == int(0.75 * 65534 + 0.5)


def test_each_row_of_a_batch_has_its_own() -> None:
    text = issue(rows=3)
    found = take((f"{text}/2", 0), (f"{text}/1", 0), (f"{text}/0", 0))
    assert [(one.row, one.predicted) for one in found if isinstance(one, Labelled)] == [
        (2, 0), (1, 1), (0, 0),
    ]  # fmt: skip


def test_rows_do_not_depend_on_each_other() -> None:
    good, batch, foreign = issue(), issue(rows=3), receipts_of(KeyList("ffffffff"), Clock())
    other = foreign.issuer("cancer", 1, TWO).issue(b"\0\0\0", 1)
    assert other is not None
    changed = good[:-1] + ("A" if good[-1] != "A" else "B")
    claims: list[tuple[str, Any, object]] = [
        (good, "benign", Labelled),
        ("a b", "benign", Outcome.MALFORMED),
        (good[:20], "benign", Outcome.MALFORMED),
        (changed, "benign", Outcome.FORGED),
        (other.id, "benign", Outcome.UNKNOWN_KEY),
        ("order-7", "benign", Outcome.UNKNOWN_ID),
        (issue("iris"), "benign", Outcome.OTHER_MODEL),
        (issue(at=NOW - 31 * 86_400), "benign", Outcome.EXPIRED),
        (f"{good}/1", "benign", Outcome.ROW_OUT_OF_RANGE),
        (f"{batch}/3", "benign", Outcome.ROW_OUT_OF_RANGE),
        (batch, "benign", Outcome.ROW_OUT_OF_RANGE),
        (f"{batch}/00", "benign", Outcome.MALFORMED),
        (good, "harmless", Outcome.UNKNOWN_CLASS),
        (issue(shape=Shape(Kind.NOTHING, 0)), "benign", Outcome.NOT_SCORED),
        (good, "malignant", Labelled),
    ]

    found = take(*((text, label) for text, label, _ in claims))

    kinds = [Labelled if isinstance(one, Labelled) else one for one in found]
    assert kinds == [wanted for _, _, wanted in claims]


def test_numbers_are_refused_in_their_own_words() -> None:
    made = RECEIPTS.issuer("cancer", 4, Shape(Kind.VALUES, 1)).issue(b"\0\0\0\0", 1)
    assert made is not None
    assert take((made.id, "high")) == [Outcome.NOT_A_NUMBER]
    assert only((made.id, "1e3")).predicted == b"\0\0\0\0"


class TestRecorded:
    def test_ids_that_are_not_inside_are_to_be_looked_up(self) -> None:
        join = Join(RECEIPTS, Terms("cancer", lambda _: NAMES, 0))
        large = issue(rows=40)
        located = join.locate([
            Claim(issue(), 0), Claim("order-7/1", 0), Claim(f"{large}/39", 0), Claim(large, 0),
            Claim(issue(shape=Shape(Kind.NOTHING, 0)), 0),
        ])  # fmt: skip
        read = RECEIPTS.read(large)
        assert not isinstance(read, Outcome)
        assert missing(located) == {RECEIPTS.own_id("cancer", "order-7"), read.prediction.id}

    def test_a_clients_own_id_finds_its_prediction(self) -> None:
        found = only(("order-7/1", 0), recorded=own("order-7", 2))
        assert (found.row, found.predicted) == (1, 1)

    def test_one_row_needs_no_number(self) -> None:
        assert only(("order-7", 0), recorded=own("order-7", 1)).row == 0

    def test_a_large_batch_finds_its_rows(self) -> None:
        large = issue(rows=40)
        read = RECEIPTS.read(large)
        assert not isinstance(read, Outcome)
        content = pack_classes(2, np.ones(40, np.int64), np.ones(40))
        kept = Prediction(read.prediction.id, 4, AT, TWO, 40, content)
        assert only((f"{large}/39", 0), recorded={kept.id: kept}).predicted == 1
        assert take((f"{large}/39", 0)) == [Outcome.UNKNOWN_ID]

    def test_an_old_one_is_expired(self) -> None:
        old = own("order-7", 1, AT - 31 * DAY_MS)
        assert take(("order-7", 0), recorded=old) == [Outcome.EXPIRED]


@pytest.mark.parametrize(
    ("text", "split"),
    [("a", ("a", None)), ("a/0", ("a", 0)), ("a/12", ("a", 12)), ("a/01", ("a/01", None)),
     ("a/", ("a/", None)), ("a/b/1", ("a/b", 1)), ("a/-1", ("a/-1", None)),
     ("a/١", ("a/١", None)), ("a/" + "9" * 10, ("a/" + "9" * 10, None)), ("/1", ("", 1))],
)  # fmt: skip
def test_a_row_is_named_after_a_slash(text: str, split: tuple[str, int | None]) -> None:
    assert split_row(text) == split


def test_every_outcome_is_explained() -> None:
    assert set(EXPLANATIONS) == set(Outcome)
    assert all(one.explanation.endswith(".") for one in Outcome)
