"""`kerasd feedback` and `kerasd receipts`: what they send, print, and how they end."""

import sqlite3
from pathlib import Path

import orjson
import pytest

from service.base.database import open_database
from tests.cli.command import kerasd
from tests.databases import migrate
from tests.scripted import Line, scripted

DONE = {"model": "m", "rows": 2, "kept": 2, "outcomes": {"accepted": 2}, "refused": [],
        "refused_unlisted": 0}  # fmt: skip
ROWS = [{"prediction_id": "a/0", "label": "cat"}, {"prediction_id": "b", "label": "2"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "\ufeffprediction_id,label\na/0,cat\nb,2\n"),
        ("labels.ndjson", '{"prediction_id": "a/0", "label": "cat"}\n'
                          '{"prediction_id": "b", "label": "2"}\n'),
        ("labels.json", f" {orjson.dumps(ROWS).decode()}"),
        ("labels.json", orjson.dumps({"feedback": ROWS}).decode()),
    ],
    ids=["csv", "ndjson", "list", "object"],
)  # fmt: skip
def test_labels_in_a_file_are_sent(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with scripted(Line(body=DONE)) as server:
        ran = kerasd("feedback", "send", "m", str(tmp_path / name), "--url", server.url)
    assert (ran.returncode, ran.stdout) == (0, "2 of 2 rows kept: 2 accepted\n"), ran.stderr
    (asked,) = server.asked
    assert asked.path == "/v1/models/m:feedback"
    assert orjson.loads(asked.body) == {"feedback": ROWS}


def test_rows_that_are_not_kept_are_told_by_their_place_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("prediction_id,label\nbroken\na/0,cat\nb,2\n")
    refused = [{"row": 1, "reason": "forged", "text": "It was \x1b[31mchanged."}]
    answer = {**DONE, "kept": 1, "outcomes": {"accepted": 1, "forged": 1}, "refused": refused}
    with scripted(Line(body=answer)) as server:
        ran = kerasd("feedback", "send", "m", str(tmp_path / "l.csv"), "--url", server.url)
        told = kerasd(
            "feedback", "send", "m", str(tmp_path / "l.csv"), "--url", server.url, "--json"
        )
    assert ran.returncode == told.returncode == 1
    assert ran.stdout.splitlines() == [
        "1 of 3 rows kept: 1 accepted, 1 forged, 1 malformed",
        "  row 0: malformed: The line has 1 cells, expected 2.",
        "  row 2: forged: It was \N{REPLACEMENT CHARACTER}[31mchanged.",
    ]
    record = orjson.loads(told.stdout)
    assert (record["rows"], record["kept"], record["refused"][1]["row"]) == (3, 1, 2)
    assert orjson.loads(server.asked[0].body) == {"feedback": ROWS}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("l.csv", "id,truth\n", "prediction_id,label"),
        ("l.json", '{"labels": []}', "a list of rows"),
        ("l.json", "{", "JSON Parse error"),
    ],
)
def test_a_file_that_is_none_is_not_sent(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    ran = kerasd("feedback", "send", "m", str(tmp_path / name), "--url", "http://127.0.0.1:9")
    assert ran.returncode == 1
    assert name in ran.stderr
    assert says in ran.stderr


def test_predictions_are_forgotten_by_id() -> None:
    refused = [{"prediction_id": "b", "reason": "forged", "text": "It was changed."}]
    answer = {"model": "m", "forgotten": 1, "labelled_rows": 3, "refused": refused}
    with scripted(Line(body=answer)) as server:
        ran = kerasd("feedback", "forget", "m", "a", "b", "--url", server.url)
    assert ran.returncode == 1
    assert ran.stdout.splitlines() == [
        "nothing of 1 predictions is kept now, 3 labelled rows deleted", "  b: It was changed.",
    ]  # fmt: skip
    assert orjson.loads(server.asked[0].body) == {"prediction_ids": ["a", "b"]}


class TestReceipts:
    @pytest.fixture
    def state(self, tmp_path: Path) -> Path:
        engine = open_database(f"sqlite:///{tmp_path}/kerasd.sqlite")
        migrate(engine)
        engine.dispose()
        return tmp_path

    def test_a_new_key_signs_and_the_old_ones_only_read(self, state: Path) -> None:
        where = ("--state-dir", str(state))
        first, second = (kerasd("receipts", "rotate", *where).stdout.split()[1] for _ in "ab")
        listed = kerasd("receipts", "list", *where).stdout
        old, new = (
            next(line for line in listed.splitlines() if key in line) for key in (first, second)
        )
        assert "reads only" in old
        assert "signs" in new
        secrets = sqlite3.connect(state / "kerasd.sqlite").execute(
            "SELECT hex(secret) FROM receipt_keys"
        )
        assert not any(secret.lower() in listed.lower() for (secret,) in secrets)

    def test_what_somebody_knows_is_forgotten(self, state: Path) -> None:
        where = ("--state-dir", str(state))
        old = kerasd("receipts", "rotate", *where).stdout.split()[1]
        kerasd("receipts", "rotate", "--forget-old", *where)
        assert old not in kerasd("receipts", "list", *where).stdout

    @pytest.mark.parametrize("command", ["list", "rotate"])
    def test_without_a_database_it_says_so_and_makes_none(
        self, tmp_path: Path, command: str
    ) -> None:
        ran = kerasd("receipts", command, "--state-dir", str(tmp_path / "state"))
        assert (ran.returncode, list(tmp_path.iterdir())) == (1, [])
        assert f"there is no database in the state directory {tmp_path}/state" in ran.stderr

    def test_without_a_schema_it_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "kerasd.sqlite").touch()
        ran = kerasd("receipts", "list", "--state-dir", str(tmp_path))
        assert ran.returncode == 1
        assert "no such table" in ran.stderr
