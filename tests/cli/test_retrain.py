"""`kerasd retrain`: which files it sends, and what it then asks for."""

from pathlib import Path

import orjson
import pytest

from service.base.strict_json import Json
from tests.cli.command import kerasd
from tests.scripted import Line, job_record, scripted

QUEUED = Line(202, job_record("QUEUED"))


@pytest.mark.parametrize(
    ("option", "asked"),
    [
        ("--data", {"data": {"file": "f1.csv"}}),
        ("--validation", {"data": {"file": "there.csv", "validation_file": "f1.csv"}}),
        ("--weights", {"data": {"file": "there.csv"},
                       "init": {"from": "file", "weights_file": "f1.csv"}}),
    ],
)  # fmt: skip
def test_a_file_is_sent_first_and_named_as_the_service_names_it(
    tmp_path: Path, option: str, asked: Json
) -> None:
    (tmp_path / "mine.csv").write_text("a,y\n1,2\n")
    others = () if option == "--data" else ("--server-data", "there.csv")
    with scripted(Line(201, {"file": "f1.csv"}), QUEUED) as server:
        ran = kerasd(
            "retrain", "m", option, str(tmp_path / "mine.csv"), *others,
            "--idempotency-key", "monday", "--url", server.url,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    sent, retrain = server.asked
    assert (sent.path, sent.body) == ("/v1/models/m/data?name=mine.csv", b"a,y\n1,2\n")
    assert retrain.path.startswith("/v1/models/m:retrain?")
    assert retrain.headers["Idempotency-Key"] == "monday"
    assert orjson.loads(retrain.body) == asked


def test_nothing_is_sent_where_it_is_not_said_which_rows(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("a,y\n1,2\n")
    with scripted(Line(201, {"file": "f1.csv"})) as server:
        ran = kerasd(
            "retrain", "m", "--validation", str(tmp_path / "mine.csv"), "--url", server.url
        )
    assert ran.returncode == 2
    assert "say which rows" in ran.stderr
    assert server.asked == []
