"""Deleting what is kept of predictions."""

from typing import Any

from service.base.database import open_database
from service.web.process import WebProcess
from tests.web.client import FlaskClient
from tests.web.feedback.world import matrix, predicted, rows_of, send, taken

FORGET = "/v1/models/pets:forget"


def test_rows_are_gone_and_do_not_come_back(client: FlaskClient, process: WebProcess) -> None:
    mine, other = predicted(client, rows_of(0, 1)), predicted(client, rows_of(2))
    send(client, [(f"{mine}/0", "cat"), (f"{mine}/1", "cat"), (other, "owl")])
    answer = taken(client.post(FORGET, {"prediction_ids": [f"{mine}/1", mine]}))
    assert answer == {"model": "pets", "forgotten": 2, "labelled_rows": 2, "refused": []}
    assert matrix(process) == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert send(client, [(f"{mine}/0", "cat")])["outcomes"] == {"unknown_id": 1}


def test_what_is_recorded_goes_too(client: FlaskClient, process: WebProcess) -> None:
    id_ = predicted(client, rows_of(0) * 100)
    client.predict("pets", {"instances": rows_of(1)}, **{"X-Request-Id": "ann"})
    answer = taken(client.post(FORGET, {"prediction_ids": [id_, "ann"]}))
    assert (answer["forgotten"], answer["labelled_rows"]) == (2, 0)
    outcomes = send(client, [(f"{id_}/7", "cat"), ("ann", "dog")])["outcomes"]
    assert outcomes == {"unknown_id": 2}


def test_the_audit_tells_who_had_how_many_deleted_and_none_of_the_ids(
    client: FlaskClient, process: WebProcess
) -> None:
    id_ = predicted(client, rows_of(0, 1))
    client.post(FORGET, {"prediction_ids": [f"{id_}/0", id_, "ann"], "why": "asked by letter"})
    (entry,) = process.reloader.store.audit("pets")
    assert (entry.action, entry.who, entry.why) == ("forget", "anybody", "asked by letter")
    assert (entry.before, entry.after) == ({}, {"predictions": 2})
    assert id_ not in str(entry)
    assert "ann" not in str(entry)


def test_nothing_is_deleted_that_the_audit_cant_tell_of(
    client: FlaskClient, process: WebProcess
) -> None:
    id_ = predicted(client, rows_of(0))
    send(client, [(id_, "cat")])
    engine = open_database(process.settings.database)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO away")
    engine.dispose()
    assert client.post(FORGET, {"prediction_ids": [id_]}).status == 503
    assert matrix(process)[0][0] == 1


def test_ids_of_other_models_are_told(client: FlaskClient) -> None:
    other = predicted(client, rows_of(0), "brief")
    answer = taken(client.post(FORGET, {"prediction_ids": [other]}))
    assert answer["forgotten"] == 0
    (refused,) = answer["refused"]
    assert (refused["prediction_id"], refused["reason"]) == (other, "other_model")


def test_a_model_whose_files_are_gone_is_forgotten_as_well(
    client: FlaskClient, process: WebProcess
) -> None:
    id_ = predicted(client, rows_of(0))
    send(client, [(id_, "cat")])
    process.reloader.store.replace([])
    assert taken(client.post(FORGET, {"prediction_ids": [id_]}))["labelled_rows"] == 1


def test_bodies_are_read_strictly(client: FlaskClient) -> None:
    bodies: list[Any] = [{}, {"prediction_ids": []}, {"prediction_ids": [1]}, {"ids": ["x"]}]
    for body in bodies:
        assert client.post(FORGET, body).status == 400
    assert client.post(FORGET, {"prediction_ids": ["x"] * 251}).status == 400
