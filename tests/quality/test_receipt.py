"""A receipt says what was answered; nobody else can make, change or respell one."""

import base64
import string
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.quality.outcomes import Outcome
from service.quality.predicted import FULL_SCORE, Kind, Prediction, Shape, pack_classes
from service.quality.receipt import (
    MAX_CHARACTERS,
    Issued,
    ReadReceipt,
    Receipts,
    is_own_id,
)
from service.quality.receipt_keys import ReceiptKeys
from tests.quality.keys import MODELS, NOW, Clock, KeyList, receipts_of

BINARY = Shape(Kind.CLASSES, 2)
LONGEST = "m" * 128
LATEST = 9_999_999_999
CHANGES: dict[str, Callable[[str], str]] = {
    "longer": lambda text: text + "A",
    "padded": lambda text: text + "=",
    "line end": lambda text: text + "\n",
    "space before": lambda text: " " + text,
    "upper case": str.upper,
    "other format": lambda text: text.replace("r1-", "r2-"),
    "key in upper case": lambda text: text.replace("0a1b2c3d", "0A1B2C3D"),
    "broken line": lambda text: text[:20] + "\n" + text[20:],
    "padding inside": lambda text: text[:20] + "=" + text[20:],
    "other script": lambda text: text[:20] + "ä" + text[21:],
    "row": lambda text: text + "/0",
    "long": lambda text: text * 10,
    "empty": lambda _: "",
}


@pytest.fixture(scope="module")
def receipts() -> Receipts:
    return receipts_of(KeyList("0a1b2c3d"), Clock())


def issue(
    receipts: Receipts, content: bytes, rows: int, shape: Shape = BINARY, model: str = "cancer"
) -> Issued:
    issued = receipts.issuer(model, 1, shape).issue(content, rows)
    assert issued is not None
    return issued


def one_row(receipts: Receipts, model: str = "cancer", version: int = 1) -> str:
    content = pack_classes(2, np.array([1]), np.array([0.9871]))
    issued = receipts.issuer(model, version, BINARY).issue(content, 1)
    assert issued is not None
    assert issued.recorded is None
    return issued.id


def read(receipts: Receipts, text: str) -> ReadReceipt:
    found = receipts.read(text)
    assert isinstance(found, ReadReceipt)
    return found


class TestReading:
    def test_all_that_was_answered_is_inside(self, receipts: Receipts) -> None:
        found = read(receipts, one_row(receipts))
        prediction = found.prediction
        assert (prediction.version, prediction.at, prediction.shape, prediction.rows) == (
            1, int(NOW * 1000), BINARY, 1,
        )  # fmt: skip
        assert prediction.row(0) == (1, round(0.9871 * FULL_SCORE))

    def test_a_batch_has_all_rows(self, receipts: Receipts) -> None:
        index, score = np.arange(24) * 3, np.linspace(0, 1, 24)
        shape = Shape(Kind.CLASSES, 1000)
        issued = issue(receipts, pack_classes(1000, index, score), 24, shape)
        prediction = read(receipts, issued.id).prediction
        assert [prediction.row(row)[0] for row in range(24)] == index.tolist()

    def test_what_has_no_room_is_recorded(self, receipts: Receipts) -> None:
        content = pack_classes(2, np.zeros(33, np.int64), np.ones(33))
        issued = issue(receipts, content, 33)
        found = read(receipts, issued.id).prediction
        assert (found.rows, found.content) == (33, None)
        assert issued.recorded == Prediction(found.id, 1, found.at, BINARY, 33, content)

    def test_what_can_have_no_label_is_not_recorded(self, receipts: Receipts) -> None:
        issued = issue(receipts, b"", 7, Shape(Kind.NOTHING, 0))
        assert issued.recorded is None
        assert read(receipts, issued.id).prediction.rows == 7

    def test_equal_predictions_differ(self, receipts: Receipts) -> None:
        issued = {one_row(receipts) for _ in range(1000)}
        assert len(issued) == 1000
        assert len({read(receipts, text).prediction.id for text in issued}) == 1000

    def test_it_is_short_and_fits_headers_and_addresses(self, receipts: Receipts) -> None:
        text = one_row(receipts, LONGEST, LATEST)
        assert len(text) < 75
        assert set(text) <= set(string.ascii_letters + string.digits + "-_")
        content = pack_classes(65536, np.full(24, 65535), np.ones(24))
        longest = receipts.issuer(LONGEST, LATEST, Shape(Kind.CLASSES, 65536)).issue(content, 24)
        assert longest is not None
        assert len(longest.id) == MAX_CHARACTERS
        assert read(receipts, longest.id).prediction.version == LATEST

    def test_there_is_none_before_there_is_a_key(self) -> None:
        receipts = Receipts(ReceiptKeys(KeyList("0a1b2c3d")), MODELS)
        assert receipts.issuer("m", 1, BINARY).issue(b"\0\0\0", 1) is None


class TestModels:
    def test_a_receipt_is_of_one_model_in_one_repository(self, receipts: Receipts) -> None:
        found = read(receipts, one_row(receipts))
        elsewhere = receipts_of(KeyList("0a1b2c3d"), Clock(), "/srv/other")
        assert receipts.is_of(found, "cancer")
        assert not receipts.is_of(found, "cancer2")
        assert not elsewhere.is_of(read(elsewhere, one_row(receipts)), "cancer")

    def test_the_bounds_of_names_count(self) -> None:
        source = KeyList("0a1b2c3d")
        found = read(
            receipts_of(source, Clock(), "/a"), one_row(receipts_of(source, Clock(), "/a"), "bc")
        )
        assert not receipts_of(source, Clock(), "/ab").is_of(found, "c")

    def test_fingerprints_depend_on_the_key(self, receipts: Receipts) -> None:
        other = receipts_of(KeyList("0a1b2c3e"), Clock())
        first, second = read(receipts, one_row(receipts)), read(other, one_row(other))
        assert first.fingerprint != second.fingerprint


class TestForgery:
    @settings(max_examples=400)
    @given(data=st.data())
    def test_any_changed_bit_is_refused(self, receipts: Receipts, data: st.DataObject) -> None:
        raw = bytearray(one_row(receipts).encode())
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] ^= 1 << data.draw(st.integers(0, 7))
        assert isinstance(receipts.read(raw.decode("latin-1")), Outcome)

    def test_any_changed_bit_of_the_record_is_forged(self, receipts: Receipts) -> None:
        text = one_row(receipts)
        sealed = bytearray(base64.urlsafe_b64decode(text[12:] + "=="[: -len(text[12:]) % 4]))
        for bit in range(8 * len(sealed)):
            changed = bytearray(sealed)
            changed[bit // 8] ^= 1 << bit % 8
            again = base64.urlsafe_b64encode(changed).decode().rstrip("=")
            assert receipts.read(text[:12] + again) is Outcome.FORGED

    @settings(max_examples=200)
    @given(text=st.text(max_size=220))
    def test_no_text_breaks_the_reader(self, receipts: Receipts, text: str) -> None:
        for one in (text, f"r1-0a1b2c3d-{text}"):
            assert isinstance(receipts.read(one), Outcome)

    @pytest.mark.parametrize("change", CHANGES)
    def test_no_other_text_says_the_same(self, receipts: Receipts, change: str) -> None:
        assert receipts.read(CHANGES[change](one_row(receipts))) is Outcome.MALFORMED

    @pytest.mark.parametrize("less", [1, 2, 4, 13])
    def test_a_shorter_one_is_refused(self, receipts: Receipts, less: int) -> None:
        refused = (Outcome.MALFORMED, Outcome.FORGED)  # whether it is the text of any bytes
        assert receipts.read(one_row(receipts)[:-less]) in refused

    def test_bits_that_decoding_ignores_are_not_free(self, receipts: Receipts) -> None:
        """42 bytes are 56 characters; a shape of two bytes more leaves 2 or 4 bits over."""
        letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
        for shape, content in ((Shape(Kind.SETS, 3), b"\xa0"), (Shape(Kind.SETS, 9), b"\xa0\0")):
            text = issue(receipts, content, 1, shape).id
            good = [last for last in letters if receipts.read(text[:-1] + last) is not None
                    and not isinstance(receipts.read(text[:-1] + last), Outcome)]  # fmt: skip
            assert good == [text[-1]]

    def test_a_receipt_of_another_installation_has_an_unknown_key(self, receipts: Receipts) -> None:
        elsewhere = receipts_of(KeyList("ffffffff"), Clock())
        assert receipts.read(one_row(elsewhere)) is Outcome.UNKNOWN_KEY

    def test_the_name_of_a_key_alone_is_worth_nothing(self, receipts: Receipts) -> None:
        source = KeyList("0a1b2c3d")
        source.keys = [type(source.keys[0])("0a1b2c3d", b"another secret of the same name!", NOW)]
        assert receipts.read(one_row(receipts_of(source, Clock()))) is Outcome.FORGED

    def test_a_tag_is_good_for_one_key(self) -> None:
        clock, source = Clock(), KeyList("00000001", "00000002")
        receipts = receipts_of(source, clock)
        text = one_row(receipts)
        other = text.replace("r1-00000001", "r1-00000002")
        assert receipts.read(other) is Outcome.FORGED


class TestOwnIds:
    @pytest.mark.parametrize("text", ["1", "order-7:3", "a" * 128, "550e8400-e29b-41d4", "r1x-"])
    def test_what_is_one(self, text: str) -> None:
        assert is_own_id(text)

    @pytest.mark.parametrize(
        "text", ["", "a/0", "a b", "ä", "a\n", "a" * 129, "r1-x", "r12-abc", "\x7f"]
    )
    def test_what_is_none(self, text: str) -> None:
        assert not is_own_id(text)

    def test_it_is_kept_by_model(self, receipts: Receipts) -> None:
        taken = receipts.issuer("cancer", 3, BINARY).take("order-7", b"\1\0\0", 1)
        assert taken == Prediction(
            receipts.own_id("cancer", "order-7"), 3, int(NOW * 1000), BINARY, 1, b"\1\0\0"
        )
        assert receipts.own_id("iris", "order-7") != taken.id
