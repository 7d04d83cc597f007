"""McNemar's test against SciPy and published figures, and the verdict that follows."""

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2  # type: ignore[import-untyped]

from service.quality.comparison import (
    Finding,
    McNemar,
    Pairs,
    compare,
    count_pairs,
    mcnemar,
)

few = st.integers(0, 60)


def mcnemar_of(only_a: int, only_b: int) -> McNemar:
    found = mcnemar(only_a, only_b)
    assert found is not None
    return found


class TestMcNemar:
    @settings(max_examples=60)
    @given(few, few)
    def test_it_is_the_binomial_test_of_scipy(self, only_a: int, only_b: int) -> None:
        if not only_a + only_b:
            return
        found = mcnemar_of(only_a, only_b)
        exact = binomtest(only_a, only_a + only_b, 0.5)
        assert found.exact_p == pytest.approx(exact.pvalue)
        assert found.p == found.mid_p
        assert 0 <= found.mid_p < found.exact_p <= 1
        assert found.chi_square_p == pytest.approx(chi2.sf(found.chi_square, 1))

    @given(few, few)
    def test_it_takes_no_side(self, only_a: int, only_b: int) -> None:
        assert mcnemar(only_a, only_b) == mcnemar(only_b, only_a)

    def test_the_published_example(self) -> None:
        # Fagerland, Lydersen and Laake 2013: airway hyper-responsiveness, 1 against 7.
        found = mcnemar_of(1, 7)
        assert found.exact_p == pytest.approx(0.0703, abs=5e-5)
        assert found.mid_p == pytest.approx(0.0391, abs=5e-5)
        assert found.chi_square_p == pytest.approx(0.0771, abs=5e-5)

    def test_an_even_split_shows_nothing(self) -> None:
        assert mcnemar_of(5, 5).exact_p == 1
        assert mcnemar_of(5, 5).mid_p == pytest.approx(1 - 252 / 1024 / 2)
        assert mcnemar_of(5, 5).chi_square_p == 1

    def test_without_disagreement_there_is_no_test(self) -> None:
        assert mcnemar(0, 0) is None

    def test_many_disagreements_are_tested_by_chi_square(self) -> None:
        assert mcnemar_of(4_900, 5_099).method == "mid-p"
        found = mcnemar_of(4_900, 5_100)
        assert found.method == "chi-square, corrected"
        assert found.p == found.chi_square_p == pytest.approx(found.exact_p, rel=1e-2)

    def test_a_trillion_rows(self) -> None:
        half = 5 * 10**11
        found = mcnemar_of(half - 10**6, half + 10**6)
        assert found.chi_square_p == pytest.approx(found.exact_p, rel=1e-2)
        assert found.mid_p == pytest.approx(found.exact_p, rel=1e-2)


class TestPairs:
    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1), st.integers(0, 9))
    def test_pairs_of_parts_add_up(self, rows: list[tuple[bool, bool]], cut: int) -> None:
        a, b = (np.array(side) for side in zip(*rows, strict=True))
        whole = count_pairs(a, b)
        assert count_pairs(a[:cut], b[:cut]) + count_pairs(a[cut:], b[cut:]) == whole
        assert whole.rows == len(rows)
        assert whole.gain == pytest.approx(b.mean() - a.mean())

    def test_the_gains_interval_is_that_of_its_authors(self) -> None:
        # (25 - 10) / 102 with a standard error of sqrt(36 - 15² / 102) / 102
        interval = Pairs(40, 10, 25, 25).gain_interval()
        assert interval is not None
        assert interval.lower == pytest.approx(0.0354, abs=5e-5)
        assert interval.upper == pytest.approx(0.2588, abs=5e-5)
        assert Pairs().gain_interval() is None
        assert Pairs().gain is None

    def test_other_rows_are_an_error(self) -> None:
        with pytest.raises(ValueError, match="expected equal"):
            count_pairs(np.array([True]), np.array([True, False]))


class TestVerdict:
    def test_b_is_better(self) -> None:
        verdict = compare(Pairs(both=900, only_a=10, only_b=40, neither=50))
        assert verdict.finding is Finding.BETTER
        assert "right on 40 rows on which A is wrong" in verdict.reasons[0]
        assert "+3.00 points" in verdict.reasons[1]
        assert "below 0.05" in verdict.reasons[2]

    def test_b_is_worse(self) -> None:
        assert compare(Pairs(900, 40, 10, 50)).finding is Finding.WORSE

    def test_more_right_answers_alone_show_nothing(self) -> None:
        verdict = compare(Pairs(900, 20, 28, 52))
        assert verdict.finding is Finding.NOT_SHOWN
        assert "not below 0.05" in verdict.reasons[2]

    @pytest.mark.parametrize("only_b", [0, 1, 4])
    def test_so_few_disagreements_can_show_nothing(self, only_b: int) -> None:
        verdict = compare(Pairs(both=1000, only_b=only_b))
        assert verdict.finding is Finding.TOO_FEW
        assert f"disagree on {only_b} of" in verdict.reasons[0]

    def test_five_can_if_they_all_agree(self) -> None:
        assert compare(Pairs(both=1000, only_b=5)).finding is Finding.BETTER
        assert compare(Pairs(both=1000, only_b=5), alpha=0.01).finding is Finding.TOO_FEW

    def test_a_class_that_is_lost_is_named_though_the_whole_is_better(self) -> None:
        by_class = [Pairs(800, 0, 60, 20), Pairs(10, 30, 0, 20), Pairs(60, 0, 0, 0)]
        verdict = compare(sum(by_class, Pairs()), by_class, ("healthy", "ill", "unsure"))
        assert verdict.finding is Finding.BETTER
        (caution,) = verdict.cautions
        assert caution.startswith("recall of class ill falls: 30 of its 60 rows")

    def test_without_labels_it_is_named_by_its_index(self) -> None:
        verdict = compare(Pairs(800, 30, 60, 20), [Pairs(0, 30), Pairs(800, 0, 60, 20)])
        assert verdict.cautions[0].startswith("recall of class 0 falls")

    def test_classes_share_the_chance_of_a_false_alarm(self) -> None:
        loss, calm = Pairs(both=50, only_a=8, only_b=1), Pairs(both=50, only_a=1, only_b=1)
        whole = Pairs(both=500, only_a=40, only_b=40)
        assert 0.05 / 3 < mcnemar_of(8, 1).p < 0.05
        assert compare(whole, [loss]).cautions
        assert not compare(whole, [loss, calm, calm]).cautions
        assert compare(whole, [loss, Pairs(both=50), Pairs()]).cautions

    def test_a_small_loss_is_no_caution(self) -> None:
        by_class = [Pairs(800, 0, 60, 20), Pairs(10, 3, 1, 20)]
        assert compare(sum(by_class, Pairs()), by_class).cautions == ()

    @pytest.mark.parametrize("pairs", [Pairs(), Pairs(1, 2, 3, 4), Pairs(9, 30, 1, 0)])
    def test_json_carries_everything(self, pairs: Pairs) -> None:
        record = compare(pairs).as_json()
        assert orjson.loads(orjson.dumps(record)) == record
        assert record["rows"] == pairs.rows
