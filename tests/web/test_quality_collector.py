"""What a scrape tells of labelled rows, out of a database that has some."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.base.database import open_database
from service.quality.feedback import Labelled
from service.quality.outcomes import Outcome
from service.quality.predicted import Kind, Shape
from service.quality.windows import DAY, HOUR
from service.web.quality.figures import KEEP_S, QualityFigures
from tests.fakes import FakeVersion
from tests.quality.rows import BINARY, DIGITS, NOON, SETS, labelled, labels, number
from tests.web.client import FlaskClient, working
from tests.web.quality.scraped import Desk

CLASSES = ("healthy", "ill")
# True, predicted, rows: 2 true positives, 3 false positives, 7 false negatives, 988 true negatives.
CANCER = ((1, 1, 2), (0, 1, 3), (1, 0, 7), (0, 0, 988))
EXPECTED = {
    ("accuracy", ""): 0.99,
    ("balanced_accuracy", ""): 0.6096,
    ("mcc", ""): 0.2935,
    ("no_information_rate", ""): 0.991,
    ("lift", ""): -0.001,
    ("precision", "positive"): 0.4,
    ("recall", "positive"): 0.2222,
    ("f1", "positive"): 0.2857,
    ("f1", "micro"): 0.99,
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.engine.dispose()


def cancer() -> list[Labelled]:
    return [
        labelled(f"{true}{said}{n}", true, said, shape=BINARY)
        for true, said, rows in CANCER
        for n in range(rows)
    ]


def test_the_class_that_is_missed_stands_beside_a_fine_accuracy(desk: Desk) -> None:
    desk.classes["m", 1] = CLASSES
    desk.enter(*cancer())

    found = desk.scrape()

    for window in ("1h", "1d", "7d", "all"):
        for (metric, average), value in EXPECTED.items():
            told = found["quality_ratio"]["m", "1", metric, average, window]
            assert math.isclose(told, value, abs_tol=5e-5), (metric, average)
        assert found["quality_class_ratio"]["m", "1", "ill", "precision", window] == 0.4
        assert found["quality_rows"]["m", "1", window] == 1000
    assert found["feedback_true_positives_total"]["m", "1", "ill"] == 2
    assert found["feedback_false_positives_total"]["m", "1", "ill"] == 3
    assert found["feedback_false_negatives_total"]["m", "1", "ill"] == 7
    assert found["feedback_true_positives_total"]["m", "1", "healthy"] == 988
    assert found["feedback_confusion_total"]["m", "1", "ill", "healthy"] == 7
    assert found["feedback_rows_total"]["m", "1"] == 1000
    assert found["feedback_delay_seconds_count"]["m",] == 1000
    assert found["feedback_delay_seconds_sum"]["m",] == 60_000
    assert found["feedback_delay_seconds_bucket"]["m", "60.0"] == 1000


def test_counters_begin_at_0_before_the_first_label(desk: Desk) -> None:
    desk.served["m", 1] = BINARY
    desk.classes["m", 1] = CLASSES
    desk.store.count_predictions({("m", 1, NOON // HOUR): 5})

    found = desk.scrape()

    for name in ("true_positives", "false_positives", "false_negatives"):
        assert found[f"feedback_{name}_total"] == {("m", "1", "healthy"): 0, ("m", "1", "ill"): 0}
    assert set(found["feedback_confusion_total"].values()) == {0}
    assert len(found["feedback_confusion_total"]) == 4
    assert found["feedback_rows_total"] == {("m", "1"): 0}
    assert found["feedback_corrections_total"] == {("m", "1"): 0}
    assert found["feedback_rejected_total"]["m", "forged"] == 0
    assert found["feedback_coverage_ratio"]["m", "1", "1h"] == 0
    assert "quality_ratio" not in found


def test_versions_that_nobody_has_asked_yet_have_matrices_if_they_are_few(desk: Desk) -> None:
    desk.served["m", 1] = BINARY
    few = desk.scrape()
    desk.served |= {("n", version): DIGITS for version in range(1, 30)}

    many = desk.scrape()

    assert few["feedback_true_positives_total"] == {("m", "1", "0"): 0, ("m", "1", "1"): 0}
    assert len(few["feedback_confusion_total"]) == 4
    assert "feedback_confusion_total" not in many
    assert len(many["feedback_true_positives_total"]) == 2 + 29 * 10


def test_no_score_is_told_that_has_no_value(desk: Desk) -> None:
    desk.enter(labelled("a", 0, 0, shape=BINARY))

    told = desk.scrape()

    assert ("m", "1", "mcc", "", "1h") not in told["quality_ratio"]
    assert ("m", "1", "precision", "positive", "1h") not in told["quality_ratio"]
    assert told["quality_class_ratio"] == {
        ("m", "1", "0", metric, window): 1
        for metric in ("precision", "recall", "f1")
        for window in ("1h", "1d", "7d", "all")
    }


def test_windows_go_by_when_predictions_were_made(desk: Desk) -> None:
    for days, name in ((0, "now"), (2, "days"), (20, "weeks")):
        desk.enter(labelled(name, 1, 1, at=NOON - days * DAY))

    rows = desk.scrape()["quality_rows"]

    assert [rows["m", "1", window] for window in ("1h", "1d", "7d", "all")] == [1, 1, 2, 3]


def test_a_correction_moves_the_gauges_and_no_counter(desk: Desk) -> None:
    desk.enter(labelled("a", 1, 0, shape=BINARY))
    before = desk.scrape()
    desk.clock.now += KEEP_S
    desk.enter(labelled("a", 0, 0, shape=BINARY))

    after = desk.scrape()

    assert before["quality_ratio"]["m", "1", "accuracy", "", "1h"] == 0
    assert after["quality_ratio"]["m", "1", "accuracy", "", "1h"] == 1
    assert after["feedback_false_negatives_total"] == before["feedback_false_negatives_total"]
    assert after["feedback_corrections_total"]["m", "1"] == 1


def test_refusals_are_told_by_their_reason(desk: Desk) -> None:
    desk.enter(labelled("a", 1, 0), labelled("a", 1, 0))
    desk.store.count_refused("m", {Outcome.FORGED: 3, Outcome.EXPIRED: 2})

    told = desk.scrape()["feedback_rejected_total"]

    assert told["m", "forged"] == 3
    assert told["m", "expired"] == 2
    assert told["m", "duplicate"] == 1
    assert ("m", "accepted") not in told


def test_windows_are_read_again_after_moments_and_counters_at_once(desk: Desk) -> None:
    desk.enter(labelled("a", 1, 1))
    desk.scrape()
    desk.clock.now += KEEP_S - 1
    desk.enter(labelled("b", 1, 1))
    soon = desk.scrape()
    desk.clock.now += 1

    later = desk.scrape()

    assert soon["feedback_rows_total"]["m", "1"] == 2
    assert soon["quality_rows"]["m", "1", "1h"] == 1
    assert later["quality_rows"]["m", "1", "1h"] == 2


def test_nothing_is_told_while_the_database_is_away(desk: Desk) -> None:
    desk.served["m", 1] = BINARY
    desk.enter(labelled("a", 1, 1, shape=BINARY))
    desk.scrape()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE scored_versions RENAME TO away")

    assert desk.scrape() == {}


def test_classes_beyond_the_limit_are_one(desk: Desk) -> None:
    many = Shape(Kind.CLASSES, 1000)
    desk.enter(labelled("a", 300, 999, shape=many), labelled("b", 5, 5, shape=many))

    found = desk.scrape()

    assert len(found["feedback_true_positives_total"]) == 201
    assert found["feedback_false_positives_total"]["m", "1", "_other"] == 1
    assert found["feedback_false_negatives_total"]["m", "1", "_other"] == 1
    assert "feedback_confusion_total" not in found
    assert {key[2] for key in found["quality_class_ratio"]} == {"5"}
    assert found["quality_ratio"]["m", "1", "accuracy", "", "all"] == 0.5


def test_numbers_have_errors_and_no_classes(desk: Desk) -> None:
    desk.enter(number("a", 1.0, 2.0), number("b", 1.0, 5.0))

    found = desk.scrape()

    told = {key[2]: value for key, value in found["quality_error"].items() if key[3] == "1h"}
    assert told == {"mae": 2.5, "rmse": pytest.approx(math.sqrt(8.5)), "bias": 2.5}
    assert found["quality_rows"]["m", "1", "1h"] == 2
    assert found["feedback_rows_total"]["m", "1"] == 2
    assert "feedback_true_positives_total" not in found


def test_sets_count_each_label(desk: Desk) -> None:
    desk.classes["m", 1] = ("sea", "sky", "sun")
    desk.enter(labels("a", [1, 0, 1], [1, 1, 0]), labels("b", [0, 1, 0], [0, 1, 0]))

    found = desk.scrape()

    assert found["feedback_true_positives_total"]["m", "1", "sea"] == 1
    assert found["feedback_false_positives_total"]["m", "1", "sky"] == 1
    assert found["feedback_false_negatives_total"]["m", "1", "sun"] == 1
    assert found["feedback_rows_total"]["m", "1"] == 2
    assert found["quality_ratio"]["m", "1", "subset_accuracy", "", "1h"] == 0.5
    assert "feedback_confusion_total" not in found
    assert SETS.width == 3


def test_stores_are_told_apart_by_database_and_repository(desk: Desk) -> None:
    def name(database: str, repository: str) -> str:
        found = QualityFigures(desk.store, lambda: database, repository).take()
        assert found is not None
        return found.store

    assert len({name("a", "x"), name("a", "y"), name("b", "x")}) == 3
    assert name("a", "x") == name("a", "x")


def test_labels_that_come_for_more_classes_than_were_known_are_counted(desk: Desk) -> None:
    desk.enter(labelled("a", 9, 9, shape=DIGITS))
    desk.enter(labelled("b", 1, 1, shape=BINARY))

    found = desk.scrape()

    assert found["feedback_true_positives_total"]["m", "1", "9"] == 1
    assert len(found["feedback_confusion_total"]) == 100


def test_a_worker_tells_it_with_all_else_and_leaves_it_out_while_it_cant(tmp_path: Path) -> None:
    series = b'kerasd_feedback_rows_total{model="m",store="'
    with working(tmp_path, {"m": FakeVersion()}) as process:
        client = FlaskClient(process)
        told = client.ask("GET", "/metrics").body
        engine = open_database(process.settings.database)
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE scored_versions RENAME TO away")
        engine.dispose()
        away = client.ask("GET", "/metrics").body
    assert series in told
    assert series not in away
    assert b"kerasd_build_info" in away
