"""Captured inputs meet their labels: which rows there are, which are chosen, what is refused."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from service.base.refusals import DataRefused
from service.base.signature import Signature, TensorSpec
from service.capture.choice import Choice
from service.capture.feedback import Counted, choose, count
from service.capture.label_table import parts_of
from service.capture.layout import HOUR
from service.capture.schema import Form, InputForm
from service.capture.wanted import Wanted
from service.quality.feedback import Labelled
from tests.capture.live import CLASSES, Traffic
from tests.capture.made import NOON, PLAIN, form_of, id_of
from tests.quality.rows import labels, number

ALL = Choice()


def chosen(
    traffic: Traffic, choice: Choice = ALL, wanted: Wanted = CLASSES
) -> dict[tuple[bytes, int], object]:
    """The labels by id and row; whatever is chosen is counted so before."""
    keys, truth, counted = choose(traffic.live, wanted, choice)
    assert count(traffic.live, wanted, choice) == counted
    assert keys.tolist() == sorted(keys.tolist())
    assert counted.rows == len(keys)
    prediction, _, row = parts_of(keys)
    names = [bytes(name) for name in prediction.view("V16")]
    return dict(zip(zip(names, row.tolist(), strict=True), truth.tolist(), strict=True))


def refused(traffic: Traffic, choice: Choice = ALL, wanted: Wanted = CLASSES) -> str:
    with pytest.raises(DataRefused) as told:
        count(traffic.live, wanted, choice)
    with pytest.raises(DataRefused) as again:
        choose(traffic.live, wanted, choice)
    assert str(told.value) == str(again.value)
    return str(told.value)


def numbers(traffic: Traffic, choice: Choice) -> list[int]:
    """The rows that are chosen of those that `learnt` has made."""
    by_id = {id_of(str(n)): n for n in range(1000)}
    return sorted(by_id[name] for name, _ in chosen(traffic, choice))


class TestJoining:
    def test_rows_that_have_both(self, traffic: Traffic) -> None:
        two = {"x": np.zeros((3, 3), np.float32)}
        traffic.predict("batch", two)
        traffic.label("batch", 2, row=2)
        traffic.label("batch", 1, row=0)
        traffic.predict("unlabelled")
        traffic.label("not captured", 0)
        assert chosen(traffic) == {(id_of("batch"), 0): 1, (id_of("batch"), 2): 2}

    def test_the_label_as_it_was_corrected(self, traffic: Traffic) -> None:
        traffic.learnt([0, 1, 2])
        traffic.label("0", 2, later=5)
        assert chosen(traffic)[id_of("0"), 0] == 2

    def test_a_label_under_the_clients_own_id(self, traffic: Traffic) -> None:
        for n, name in enumerate("abc"):
            traffic.predict(name, own=f"order-{name}")
            traffic.label(f"order-{name}", n)
        assert chosen(traffic) == {(id_of(name), 0): n for n, name in enumerate("abc")}

    @pytest.mark.parametrize("last", ["given", "own"])
    def test_of_labels_under_both_ids_the_last_one_counts(
        self, traffic: Traffic, last: str
    ) -> None:
        traffic.learnt([0, 1])
        traffic.predict("given", own="own")
        traffic.label("given", 1, later=10 if last == "given" else 0)
        traffic.label("own", 2, later=10 if last == "own" else 0)
        assert chosen(traffic)[id_of("given"), 0] == (1 if last == "given" else 2)

    def test_an_own_id_that_was_given_twice_names_the_prediction_of_its_time(
        self, traffic: Traffic
    ) -> None:
        traffic.learnt([0, 1])
        traffic.predict("first", own="again", at=NOON)
        traffic.predict("second", own="again", at=NOON + 9)
        traffic.label("again", 2, at=NOON + 9)
        found = chosen(traffic)
        assert found[id_of("second"), 0] == 2
        assert (id_of("first"), 0) not in found

    def test_numbers_and_sets_of_labels(self, traffic: Traffic) -> None:
        def send(*rows: Labelled) -> None:
            traffic.store.record_feedback("m", rows, NOON)

        for name in "abc":
            traffic.predict(name)
        send(number("a", 1.5, 0.0), number("c", -2.0, 0.0))
        values = Wanted(PLAIN, "values", 1)
        assert chosen(traffic, wanted=values) == {(id_of("a"), 0): [1.5], (id_of("c"), 0): [-2.0]}
        send(labels("a", (1, 0, 1), (0, 0, 0)), labels("b", (0, 0, 1), (0, 0, 0)))
        sets = Wanted(PLAIN, "sets", 3, ("a", "b", "c"))
        counted = count(traffic.live, sets, ALL)
        assert counted == Counted(2, 3, {"a": 1, "b": 0, "c": 2}, {})

    def test_what_was_forgotten_is_none(self, traffic: Traffic) -> None:
        traffic.learnt([0, 1, 2, 0])
        traffic.predict("x", own="y")
        traffic.label("x", 1)
        traffic.store.forget("m", [id_of("1"), id_of("y")], NOON)
        assert {name for name, _ in chosen(traffic)} == {id_of(name) for name in "023"}


class TestChoosing:
    def test_time_and_versions(self, traffic: Traffic) -> None:
        for n in range(6):
            version, at = 1 + n % 2, NOON + n * HOUR
            traffic.predict(str(n), at=at, form=form_of(version=version))
            traffic.label(str(n), n % 3, at=at, version=version)
        assert numbers(traffic, Choice(NOON + HOUR, NOON + 4 * HOUR + 1)) == [1, 2, 3, 4]
        assert numbers(traffic, Choice(versions=frozenset({2}))) == [1, 3, 5]

    def test_the_newest_so_many(self, traffic: Traffic) -> None:
        traffic.learnt([0, 1, 2] * 4)
        traffic.learnt([0, 1, 2], since=12, at=NOON + HOUR)
        assert numbers(traffic, Choice(limit=5)) == [10, 11, 12, 13, 14]
        assert numbers(traffic, Choice(limit=100)) == list(range(15))

    def test_so_many_of_each_class(self, traffic: Traffic) -> None:
        traffic.learnt([0] * 30 + [1] * 4 + [2] * 9)

        def classes(choice: Choice) -> Counter[object]:
            return Counter(chosen(traffic, choice).values())

        assert classes(Choice(per_class=6)) == {0: 6, 1: 4, 2: 6}
        assert classes(Choice(balanced=True)) == {0: 4, 1: 4, 2: 4}
        assert classes(Choice(balanced=True, per_class=3)) == {0: 3, 1: 3, 2: 3}

    def test_who_is_drawn_depends_on_the_seed_and_the_row_alone(self, traffic: Traffic) -> None:
        traffic.learnt([0] * 40 + [1] * 5)
        drawn = [numbers(traffic, Choice(balanced=True, seed=seed)) for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1] != drawn[2]
        traffic.learnt([0] * 40, since=45)
        more = numbers(traffic, Choice(balanced=True, seed=1))
        assert set(more) & set(range(45)) <= set(drawn[0])

    def test_only_classes_can_be_drawn_by(self, traffic: Traffic) -> None:
        wanted = Wanted(PLAIN, "values", 1)
        assert refused(traffic, Choice(balanced=True), wanted) == (
            "feedback of model 'm': rows can't be drawn by class; "
            "expected a model that decides between classes"
        )


class TestRefusals:
    def test_nothing_at_all(self, traffic: Traffic) -> None:
        assert refused(traffic) == (
            "feedback of model 'm': has 0 rows with both inputs and a label, of 0 with a label; "
            "expected at least 2"
        )

    def test_labels_whose_inputs_were_not_kept(self, traffic: Traffic) -> None:
        traffic.learnt([1])
        for n in range(7):
            traffic.label(f"other {n}", 0)
        assert refused(traffic) == (
            "feedback of model 'm': has 1 rows with both inputs and a label, of 8 with a label; "
            "of 7 no inputs were kept (model.yaml: capture); expected at least 2"
        )

    def test_one_class_only(self, traffic: Traffic) -> None:
        traffic.learnt([1, 1, 1])
        assert refused(traffic) == (
            "feedback of model 'm': all 3 rows have the label b; expected at least 2 classes"
        )

    def test_classes_that_the_model_hasnt(self, traffic: Traffic) -> None:
        traffic.learnt([0, 1, 2, 2])
        assert refused(traffic, wanted=Wanted(PLAIN, "classes", 2, ("a", "b"))) == (
            "feedback of model 'm': 2 rows have classes that the model hasn't: 2 (2); "
            "expected classes from 0 to 1, or the versions that have no others"
        )

    @pytest.mark.parametrize(
        ("kept", "why"),
        [
            ((), "were kept without the input 'x'"),
            ((InputForm("x", "float32", (3,), (1, 2)),),
             "were kept without number 1, 2 of the input 'x'"),
            ((InputForm("x", "string", (3,)),),
             "have string in the input 'x', where the model takes float32"),
            ((InputForm("x", "float32", (None,)),),
             "have the shape (?,), where the model takes (3,), in the input 'x'"),
        ],
        ids=["none", "part", "dtype", "shape"],
    )  # fmt: skip
    def test_inputs_that_the_model_doesnt_take(
        self, traffic: Traffic, kept: tuple[InputForm, ...], why: str
    ) -> None:
        texts = np.array([["a", "b", "c"]], object)
        other = Form("m", 1, (*kept, InputForm("z", "float32", ())))
        for n in range(3):
            given = {"z": np.zeros(1, np.float32)}
            if kept:
                is_text = kept[0].dtype == "string"
                given["x"] = texts if is_text else np.zeros((1, 3), np.float32)
            traffic.predict(f"other {n}", given, form=other)
            traffic.label(f"other {n}", n)
        assert refused(traffic) == (
            "feedback of model 'm': has 0 rows with both inputs and a label, of 3 with a label; "
            f"3 {why}; expected at least 2"
        )
        traffic.learnt([0, 1])
        assert count(traffic.live, CLASSES, ALL).unusable == {why: 3}

    def test_inputs_that_are_no_finite_numbers(self, traffic: Traffic) -> None:
        traffic.learnt([0, 1, 2])
        for n, value in enumerate((np.nan, np.inf), 3):
            traffic.predict(str(n), value)
            traffic.label(str(n), 1)
        traffic.predict("unlabelled", np.nan)
        with pytest.raises(DataRefused) as told:
            count(traffic.live, replace(CLASSES, is_finite=True), ALL)
        assert str(told.value) == (
            "feedback of model 'm': 2 rows have values that are NaN or infinite in the input 'x'; "
            "expected finite numbers: forget those predictions, or take a time or versions without "
            "them"
        )
        assert count(traffic.live, CLASSES, ALL).rows == 5  # to be evaluated on
        some = replace(ALL, limit=3)  # which of them will be read isn't known here
        assert count(traffic.live, replace(CLASSES, is_finite=True), some).rows == 3
        traffic.store.forget("m", [id_of("3"), id_of("4")], NOON)
        assert count(traffic.live, replace(CLASSES, is_finite=True), ALL).rows == 3

    def test_labels_of_another_kind(self, traffic: Traffic) -> None:
        traffic.learnt([0, 1])
        signature = Signature((TensorSpec("x", "float32", (None, 3)),), PLAIN.outputs)
        assert "2 have labels of another kind: classes, 3 wide" in refused(
            traffic, wanted=Wanted(signature, "values", 1)
        )
