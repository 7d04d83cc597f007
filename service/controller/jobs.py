"""The half of the controller that has jobs run, put together once: supervisor, schedules, webhook,
housekeeping.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from service.base.errors import SettingsInvalid
from service.base.settings import Settings
from service.controller.housekeeping import Housekeeping
from service.controller.job_program import JobProgram
from service.controller.job_pruning import JobPruning
from service.controller.jobs_supervisor import JobsSupervisor, SupervisorLimits
from service.controller.schedules import Plan, Schedules
from service.controller.webhook import Webhook
from service.jobs.executor import Executor
from service.jobs.local import LocalExecutor
from service.jobs.store import JobStore
from service.recipe.retraining import Retraining, cron_line, scheduled_request
from service.repository.model_config import CONFIG_NAME, ModelConfig

Configs = Callable[[], Mapping[str, ModelConfig]]
Tasks = Mapping[str, Callable[[], object]]
CLOSE_S = 5.0


class Jobs:
    """`configs` says what `model.yaml` says of each model, `tasks` what else is done hourly."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        program: JobProgram,
        configs: Configs,
        tasks: Tasks,
    ) -> None:
        self._settings = settings
        self._configs = configs
        self._supervisor = JobsSupervisor(store, executor_of(settings), program, limits(settings))
        self._schedules = Schedules(store, self._plans)
        self._webhook = Webhook(store, self._urls)
        pruning = JobPruning(store, settings.jobs_dir.absolute(), settings.jobs_keep_days)
        self._housekeeping = Housekeeping({"jobs": pruning, **tasks})

    @property
    def steps(self) -> list[Callable[[float], object]]:
        """What is to be called in each turn of the loop; where one fails the others go on."""
        return [
            self._supervisor.step,
            self._schedules.step,
            self._webhook.step,
            self._housekeeping.step,
        ]

    def close(self) -> None:
        """End what runs here; a webhook that is being sent has a moment to end."""
        with suppress(SQLAlchemyError):  # the next controller finds those jobs lost
            self._supervisor.close()
        self._webhook.join(CLOSE_S)

    def _plans(self) -> Iterator[Plan]:
        for model, config in self._configs().items():
            if config.retrain is not None and config.retrain.schedule:
                cron = cron_line(config.retrain.schedule)
                yield Plan(model, cron, _asking(config.retrain), self._written_at(model))

    def _written_at(self, model: str) -> float:
        """When the model's configuration was written: what it names was planned since then."""
        try:
            return (self._settings.repository / model / CONFIG_NAME).stat().st_mtime
        except OSError:  # gone meanwhile: nothing was missed
            return time.time()

    def _urls(self, model: str) -> list[str]:
        """Who hears of the end of a job: those that the settings and the model's file name."""
        config = self._configs().get(model)
        own = config.retrain.webhook if config is not None and config.retrain is not None else ""
        return list(dict.fromkeys(url for url in (self._settings.webhook, own) if url))


def limits(settings: Settings) -> SupervisorLimits:
    """What the settings say of all jobs."""
    return SupervisorLimits(
        settings.jobs_at_once, settings.job_attempts, settings.job_lease_s, settings.job_timeout_s
    )


def executor_of(settings: Settings) -> Executor:
    """Where jobs run. Raises SettingsInvalid where that can't be."""
    if settings.executor == "local":
        return LocalExecutor(settings.jobs_dir)
    address, token = settings.ray_address, settings.ray_token.get_secret_value()
    if not address.startswith(("http://", "https://")):
        raise SettingsInvalid(
            f"setting ray_address = {address!r}: executor ray needs the URL of the dashboard of "
            "the cluster's head, such as http://head:8265"
        )
    if not token:
        raise SettingsInvalid(
            "setting ray_token is empty: executor ray needs the token of the cluster, which must "
            "run with RAY_AUTH_MODE=token; without one anybody can run anything there"
        )
    from service.jobs.ray import RayExecutor  # with the HTTP client that only it needs
    from service.jobs.ray_head import RayHead

    return RayExecutor(RayHead(address, token), settings.jobs_dir, settings.ray_python)


def _asking(section: Retraining) -> Callable[[], Mapping[str, Any]]:
    return lambda: scheduled_request(section).model_dump(mode="json", by_alias=True)
