"""The scores of one class and their averages: what has a value, and from how many rows on."""

import pytest

from service.quality.class_scores import Average, ClassScores, macro, mean, micro, weighted

NOTHING = Average(None, None, None)


def of(tp: int, fp: int, fn: int, tn: int = 0, min_support: int = 1, index: int = 0) -> ClassScores:
    return ClassScores(index, tp, fp, fn, tn, min_support)


class TestOneClass:
    def test_its_counts(self) -> None:
        one = of(2, 3, 7, 988)
        assert (one.support, one.predicted, one.involved, one.rows) == (9, 5, 12, 1000)

    def test_never_said_it_has_no_precision_and_an_f1_of_zero(self) -> None:
        one = of(0, 0, 5, 95)
        assert one.precision is None
        assert one.precision_interval is None
        assert one.recall == 0
        assert one.f1 == 0

    def test_never_true_it_has_no_recall_and_a_precision_of_zero(self) -> None:
        one = of(0, 5, 0, 95)
        assert one.recall is None
        assert one.recall_interval is None
        assert one.precision == 0
        assert one.f1 == 0
        assert one.prevalence == 0

    def test_neither_it_has_nothing(self) -> None:
        one = of(0, 0, 0, 100)
        assert (one.precision, one.recall, one.f1) == (None, None, None)
        assert one.specificity == 1

    def test_always_true_it_has_no_specificity(self) -> None:
        assert of(5, 0, 2).specificity is None

    def test_one_lucky_row_is_no_value_below_the_minimum(self) -> None:
        assert of(1, 0, 0, 99).recall == 1
        lucky = of(1, 0, 0, 99, min_support=10)
        assert (lucky.precision, lucky.recall, lucky.f1) == (None, None, None)
        assert lucky.specificity == 1

    def test_each_score_looks_at_its_own_rows(self) -> None:
        one = of(4, 6, 1, 9, min_support=10)
        assert one.precision == 0.4
        assert one.recall is None
        assert one.f1 == pytest.approx(8 / 15)

    def test_json_names_it_if_labels_are_known(self) -> None:
        assert of(2, 3, 7, 988, index=1).as_json(("benign", "malignant"))["label"] == "malignant"
        assert "label" not in of(2, 3, 7, 988).as_json()


class TestAverages:
    def test_a_class_without_rows_is_left_out_of_the_macro_average(self) -> None:
        classes = [of(8, 0, 2), of(4, 0, 4), of(0, 0, 0, 18)]
        assert macro(classes).recall == pytest.approx((0.8 + 0.5) / 2)

    def test_a_missed_class_is_a_zero_in_recall_and_f1(self) -> None:
        average = macro([of(90, 10, 0, 0), of(0, 0, 10, 90)])
        assert average.recall == 0.5
        assert average.f1 == pytest.approx(180 / 190 / 2)
        assert average.precision == 0.9  # never said: nothing to be precise about

    def test_a_class_with_too_few_rows_takes_the_macro_averages_value(self) -> None:
        average = macro([of(90, 1, 0, 9, min_support=20), of(9, 0, 1, 90, min_support=20)])
        assert average == NOTHING

    def test_and_not_that_of_the_others(self) -> None:
        classes = [of(90, 1, 0, 9, min_support=20), of(9, 0, 1, 90, min_support=20)]
        assert micro(classes, 20).recall == 0.99
        assert weighted(classes, 20).recall == pytest.approx(0.99)

    def test_of_nothing_there_is_none(self) -> None:
        for average in (macro([]), micro([]), weighted([])):
            assert average == NOTHING
        assert micro([of(3, 0, 0)], 4) == NOTHING
        assert weighted([of(3, 0, 0)], 4) == NOTHING

    def test_a_mean_with_a_gap_is_none(self) -> None:
        assert mean([1.0, None]) is None
        assert mean([]) is None
        assert mean([1.0, 0.0]) == 0.5
