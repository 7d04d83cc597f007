"""What labels, canaries and shadows may look like, and how they go together with the versions."""

import re

from service.base.errors import RequestInvalid
from service.base.http_errors import Conflict
from service.repository.consent import Moment, standing
from service.repository.policy import labels_of
from service.repository.route import STABLE, Canary
from service.repository.states import State

LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")  # never a version's number
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")  # a token, as HTTP names headers
MAX_SHOWN = 60


def check_settable(label: str, moment: Moment) -> None:
    """Raise unless operators may move this label of a model."""
    if LABEL.fullmatch(label) is None:
        raise RequestInvalid(
            "label: expected a letter or '_', then at most 127 letters, digits, '_', '.', '-', "
            f"got {label[:MAX_SHOWN]!a}"
        )
    if label == STABLE:
        raise Conflict(f"'{STABLE}' always is the current version; promote another one to move it")
    if any(label in row.config.version_labels for row in moment.rows):
        raise Conflict(
            f"Label '{label}' of model '{moment.route.model}' is set in model.yaml; change it there"
        )


def check_droppable(label: str, moment: Moment) -> None:
    """Raise if there is no such label, or if some of the traffic follows it."""
    check_settable(label, moment)
    model, route = moment.route.model, moment.route
    if label not in route.labels:
        raise Conflict(f"Model '{model}' has no label '{label}', {_there_are(moment)}")
    if route.canary is not None and route.canary.label == label:
        raise Conflict(f"The canary of model '{model}' goes to label '{label}'; end that first")
    if route.shadow == label:
        raise Conflict(f"The shadow of model '{model}' is label '{label}'; end that first")


def check_traffic(canary: Canary | None, shadow: str, moment: Moment) -> None:
    """Raise unless a model's traffic can be shared out like this."""
    if canary is not None:
        if not 0 < canary.percent <= 100:  # also for what is no number
            raise RequestInvalid(
                f"canary.percent: expected above 0 and at most 100, got {canary.percent}"
            )
        if canary.header and HEADER.fullmatch(canary.header) is None:
            raise RequestInvalid(
                f"canary.header: expected a header's name, got {canary.header[:MAX_SHOWN]!a}"
            )
        _check_target("canary", canary.label, moment)
    if shadow:
        _check_target("shadow", shadow, moment)


def _check_target(what: str, label: str, moment: Moment) -> None:
    model = moment.route.model
    version = labels_of(moment.rows, moment.route).get(label)
    if version is None:
        raise Conflict(
            f"{what}: model '{model}' has no label {label[:MAX_SHOWN]!a}, {_there_are(moment)}"
        )
    row = moment.find(version)
    if row is None or row.state is not State.READY:
        raise Conflict(f"{what}: version {version}, label '{label}', {standing(row)}")
    if row.current:
        raise Conflict(f"{what}: label '{label}' is version {version}, which is the current one")


def _there_are(moment: Moment) -> str:
    labels = sorted(labels_of(moment.rows, moment.route))
    return f"it has {', '.join(labels)}" if labels else "it has none"
