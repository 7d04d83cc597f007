"""What `/quality` tells of each kind of answers, also of very many classes."""

from collections.abc import Mapping

import pytest

from service.base.strict_json import Json
from service.quality.predicted import Kind, Shape
from service.quality.reading import Reading
from service.quality.sums import NONE
from service.web.feedback.scored import version_record
from tests.web.client import FlaskClient
from tests.web.feedback.world import predicted, rows_of, send, taken


def quality(client: FlaskClient, model: str, query: str = "") -> Json:
    return taken(client.ask("GET", f"/v1/models/{model}/quality{query}"))


def test_classes_have_scores_confusion_and_coverage(client: FlaskClient) -> None:
    id_ = predicted(client, rows_of(0, 0, 1, 2))
    send(client, [(f"{id_}/0", "cat"), (f"{id_}/1", "dog"), (f"{id_}/2", "dog"), ("x", 1)])
    send(client, [(f"{id_}/1", "cat"), (f"{id_}/1", "dog")])
    record = quality(client, "pets", "?window=1d")
    (version,) = record["versions"]
    assert (version["version"], version["kind"], version["labelled"]) == (2, "classes", 3)
    assert version["scores"]["accuracy"] == pytest.approx(2 / 3)
    cat, dog, owl = version["scores"]["classes"]
    assert (cat["label"], cat["precision"], dog["recall"], owl["precision"]) == (
        "cat", 0.5, 0.5, None,
    )  # fmt: skip
    assert version["confusion"] == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    outcomes = record["outcomes"]
    assert (outcomes["corrected"], outcomes["unknown_id"], outcomes["forged"]) == (2, 1, 0)


def test_too_few_rows_have_no_value(client: FlaskClient) -> None:
    send(client, [(predicted(client, rows_of(0)), "cat")])
    (version,) = quality(client, "pets", "?min_support=2")["versions"]
    assert version["scores"]["accuracy"] is None
    (version,) = quality(client, "pets")["versions"]
    assert version["scores"]["accuracy"] == 1.0


def test_numbers_have_errors_and_sets_have_labels(client: FlaskClient) -> None:
    id_ = predicted(client, [[1.0], [3.0]], "prices")
    answer = send(client, [(f"{id_}/0", 2), (f"{id_}/1", "5.0"), (f"{id_}/1", "much")], "prices")
    assert answer["outcomes"] == {"accepted": 2, "not_a_number": 1}
    (version,) = quality(client, "prices")["versions"]
    assert (version["kind"], version["scores"]["mae"], version["scores"]["bias"]) == (
        "values", 1.5, -1.5,
    )  # fmt: skip
    tagged = predicted(client, [[0.9, 0.1, 0.9]], "tags")
    body = f'prediction_id,label\n{tagged},"[0, 1]"\n'.encode()
    assert taken(client.post("/v1/models/tags:feedback", body, **{"Content-Type": "text/csv"}))[
        "kept"
    ]
    (version,) = quality(client, "tags")["versions"]
    assert (version["kind"], version["scores"]["hamming_loss"]) == ("sets", pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("query", "says"),
    [("?window=2d", "expected 1h, 1d, 7d, all"), ("?min_support=0", "min_support"), ("?a=1", "a")],
)
def test_what_is_asked_is_read_strictly(client: FlaskClient, query: str, says: str) -> None:
    answer = client.ask("GET", f"/v1/models/pets/quality{query}")
    assert answer.status == 400
    assert says in answer.json["error"]


def reading(width: int, cells: Mapping[tuple[int, int], int]) -> Reading:
    return Reading("m", 1, Shape(Kind.CLASSES, width), cells, dict(NONE))


def test_of_very_many_classes_those_that_occur_are_told() -> None:
    labels = [f"c{index}" for index in range(60_000)]
    record = version_record(reading(60_000, {(7, 7): 2, (59_999, 7): 1}), labels, 1)
    first, second = record["scores"]["classes"]
    assert (first["index"], first["label"], second["label"]) == (7, "c7", "c59999")
    assert record["scores"]["missed"] == [59_999]
    assert record["scores"]["positive"] is None
    assert record["confusion"] is None
    assert record["scores"]["macro"]["recall"] == 0.5


def test_of_two_classes_the_second_is_the_positive_one() -> None:
    record = version_record(reading(2, {(1, 1): 2, (1, 0): 7, (0, 1): 3, (0, 0): 988}), (), 1)
    positive = record["scores"]["positive"]
    assert (positive["precision"], positive["recall"]) == (0.4, pytest.approx(2 / 9))
    assert "label" not in positive
    assert record["coverage"] is None


def test_without_labels_there_are_no_scores() -> None:
    record = version_record(reading(60_000, {}), (), 1)
    assert (record["scores"], record["confusion"]) == (None, None)
