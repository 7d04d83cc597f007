"""Whoever may only train goes before nobody, and decides nothing of what is served."""

from pathlib import Path
from typing import Any

import pytest

from service.base.http_errors import Forbidden
from service.base.roles import Role
from service.recipe.retrain import RetrainRequest
from service.recipe.retraining import Retraining, with_defaults
from service.repository.model_config import ModelConfig
from service.web.access.caller import Caller
from service.web.jobs.rights import check_rights
from tests.fakes import FakeVersion
from tests.web.access.keyed import bearer, give_key
from tests.web.client import FrontClient, asking, working

TRAINER = Caller("trainer", frozenset({Role.TRAIN}))
ADMIN = Caller("boss", frozenset({Role.ADMIN}))
DATA = {"data": {"file": "a.csv"}}
AUTO = {"promote": "auto", "gate": {"min_gain": 0.1}, "priority": 5}


def refused(asked: dict[str, Any], section: dict[str, Any] | None, caller: Caller) -> str:
    usual = None if section is None else Retraining.model_validate(section)
    request = RetrainRequest.model_validate(with_defaults({**DATA, **asked}, usual))
    try:
        check_rights(caller, request, usual)
    except Forbidden as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("asked", "section", "why"),
    [
        ({}, None, ""),
        ({"priority": -100}, None, ""),
        ({"priority": 1}, None, "may ask for 0 at most"),
        ({"priority": 1}, {"priority": -5}, "may ask for 0 at most"),
        ({}, AUTO, ""),
        ({"priority": 6}, AUTO, "may ask for 5 at most"),
        ({"promote": "manual"}, AUTO, ""),
        ({"promote": "auto"}, None, "may ask for manual or never"),
        ({"promote": "auto"}, {"promote": "never"}, "may ask for manual or never"),
        ({"gate": {"min_gain": 0.1}}, AUTO, ""),
        ({"gate": {"min_gain": -1}}, AUTO, "may not change the rules of model.yaml"),
        ({"gate": {"chance": False}}, AUTO, "may not change the rules of model.yaml"),
        ({"gate": {"min_gain": -1}, "promote": "manual"}, AUTO, ""),
        ({"gate": {"feedback": False}}, {"promote": "auto"}, "may not change the rules"),
    ],
)
def test_what_an_admin_or_the_models_own_file_has_to_say(
    asked: dict[str, Any], section: dict[str, Any] | None, why: str
) -> None:
    found = refused(asked, section, TRAINER)

    assert why in found
    assert bool(found) == bool(why)
    assert not refused(asked, section, ADMIN)


def test_it_is_held_against_the_key_before_the_data_is_looked_at(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    train = bearer(give_key(keys, "trainer", "train"))
    admin = bearer(give_key(keys, "boss", "admin"))
    configs = {"m": ModelConfig()}
    with (
        working(tmp_path, {"m": FakeVersion()}, configs, access="keys") as process,
        asking(FrontClient, process) as client,
    ):
        for more in ({"priority": 1}, {"promote": "auto"}):
            statuses = [
                client.post("/v1/models/m:retrain", {**DATA, **more}, **key).status
                for key in (train, admin)
            ]
            assert statuses == [403, 422]  # there is no such file
