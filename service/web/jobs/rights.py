"""What of a retrain needs the role admin: to begin before others, and to decide what is served."""

from service.base.http_errors import Forbidden
from service.base.roles import Role
from service.recipe.gate import Gate
from service.recipe.retrain import RetrainRequest
from service.recipe.retraining import Retraining
from service.web.access.caller import Caller


def check_rights(caller: Caller, asked: RetrainRequest, section: Retraining | None) -> None:
    """Raise Forbidden for what only an admin may ask, or model.yaml on an admin's behalf.

    Whoever may only train doesn't promote, and with `promote: auto` and rules of its own it would.
    """
    if Role.ADMIN in caller.roles:
        return
    usual = section or Retraining()
    most = max(usual.priority or 0, 0)
    if asked.priority > most:
        raise Forbidden(
            f"priority: '{caller.name}' may ask for {most} at most; a higher one needs the role "
            "admin, or stands in model.yaml"
        )
    if asked.promote != "auto":
        return
    if usual.promote != "auto":
        raise Forbidden(
            f"promote: '{caller.name}' may ask for manual or never; auto needs the role admin, or "
            "stands in model.yaml"
        )
    if asked.gate.model_dump() != (usual.gate or Gate()).model_dump():
        raise Forbidden(
            f"gate: '{caller.name}' may not change the rules of model.yaml where a version that "
            "passes them is promoted; that needs the role admin"
        )
