"""What a job would find out when it runs is told before it is accepted, where that is cheap."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from service.base.refusals import DataRefused
from service.data.splitting import HELD_OUT, PARTS, assign, most_held_out
from service.recipe.data import Split
from service.repository.model_config import ModelConfig
from service.web.jobs.data_check import check_held_out
from service.web.process import WebProcess
from tests.fakes import FakeVersion
from tests.web.client import FlaskClient, working

RETRAIN = "/v1/models/pets:retrain"
LABELS = ("cat", "dog", "owl")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    folder = tmp_path_factory.mktemp("told-before")
    rows = [f"{n},{n % 7},{n % 5},{n % 4}" for n in range(300)]
    (folder / "data").mkdir()
    (folder / "data" / "four.csv").write_text("\n".join(["a,b,c,y", *rows, ""]))
    configs = {"pets": ModelConfig(labels=LABELS)}
    with working(folder, {"pets": FakeVersion()}, configs, data_dir=folder / "data") as worker:
        yield worker


def head(classes: int, *labels: str, **more: Any) -> dict[str, Any]:
    new = {"classes": classes, "labels": labels}
    return {"data": {"file": "four.csv"}, "init": {"replace_head": new}, **more}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (head(4), "has 3 labels, the new head 4 classes"),
        (head(3, "cat", "owl", "dog"), "calls class 1 'dog', the new head 'owl'"),
        (head(4, gate={"metric": "rmse"}, promote="never"), "gate.metric: there is no rmse"),
        (
            head(4, *"abcd", data={"from_feedback": {}}, promote="never"),
            "feedback has told of its classes, of which 0 is 'cat'",
        ),
    ],
    ids=["classes", "names", "gate", "feedback"],
)
def test_a_head_that_no_version_can_have_is_refused(
    process: WebProcess, asked: dict[str, Any], words: str
) -> None:
    answer = FlaskClient(process).post(RETRAIN, asked)

    assert (answer.status, words in answer.json["error"]) == (400, True), answer.body
    assert process.jobs.find("pets") == []


@pytest.mark.parametrize("by", ["hash", "stratified", "time"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_no_more_rows_are_held_out_than_is_told(by: Any, share: float) -> None:
    lots = np.random.default_rng(1)
    split = Split(validation=0.1, held_out=share, by=by)
    for rows in (1, 2, 3, 20, 157):
        keys = lots.integers(0, 2**63, rows).astype(np.uint64)
        labels = lots.integers(0, 3, rows)
        parts = assign(keys, split, labels, lots.random(rows))
        held_out = int((parts == PARTS.index(HELD_OUT)).sum())

        most = most_held_out(split, rows, np.bincount(labels, minlength=3).tolist())

        assert held_out <= most
        assert by == "hash" or held_out == most


def test_too_few_rows_for_the_gate_are_refused_and_doubtful_ones_told() -> None:
    by_time = Split(by="time")
    with pytest.raises(DataRefused, match=r"of 100 rows 15 can be held out .*at least 20"):
        check_held_out("feedback", by_time, 100, 15, 20)

    assert check_held_out("feedback", by_time, 200, 30, 20) == []
    (told,) = check_held_out("feedback", Split(), 100, 100, 20)
    assert "about 15 of 100 rows will be held out" in told
