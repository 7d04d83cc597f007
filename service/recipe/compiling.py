"""What `model.compile` is told: optimizer, loss and metrics, by the names that Keras has."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from service.base.strict_json import Json
from service.recipe.keras_names import (
    CHOSEN_BY_LOSS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    Catalogue,
    find,
    log_name,
)
from service.recipe.strict import Recipe

MAX_METRICS = 20
MAX_LIST = 1000
MAX_TEXT = 200
METRIC_NAME = re.compile(r"[A-Za-z0-9_./ -]{1,200}")
OF_KERAS = ("loss", "learning_rate", "epoch", "batch", "size")  # in what it tells of an epoch
Weight = Annotated[float, Field(ge=0)]
Balanced = Literal["balanced"]
ClassWeight = Balanced | dict[str, Weight]


class Named(Recipe):
    """A class of Keras and what it is constructed with.

    Written as a name, as `{"name": ..., argument: value}`, or as Keras writes it itself:
    `{"class_name": ..., "config": {argument: value}}`.
    """

    class_name: str
    config: Json = Field(default_factory=dict)


class Compile(Recipe):
    """How the model learns; what isn't given is taken from the version's file where it says it.

    `learning_rate` is the optimizer's, with or without naming another optimizer. `class_weight`
    is `balanced`, or a weight for each label or class index.
    """

    optimizer: Named | None = Field(
        default=None, description="Name, or name and arguments; null = the file's, else rmsprop"
    )
    learning_rate: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        default=None, description="The optimizer's learning rate; null = as the optimizer has it"
    )
    loss: Named | None = Field(
        default=None, description="Name, or name and arguments; null = the file's, else by output"
    )
    metrics: tuple[Named, ...] | None = Field(
        default=None, description="Names, or names and arguments; null = the file's"
    )
    class_weight: ClassWeight | None = Field(
        default=None, description="balanced, or a weight by label: how much a row of it counts"
    )

    @field_validator("optimizer", mode="before")
    @classmethod
    def _optimizer_is_known(cls, value: Any) -> Any:
        named = _named(value, OPTIMIZERS, "optimizer")
        if named is None or "learning_rate" not in named.config:
            return named
        rate = named.config["learning_rate"]
        _check_rate(rate)
        # Keras takes no whole number, which is how JavaScript writes 1.0.
        config = {**named.config, "learning_rate": float(rate)}
        return Named(class_name=named.class_name, config=config)

    @field_validator("loss", mode="before")
    @classmethod
    def _loss_is_known(cls, value: Any) -> Any:
        return _named(value, LOSSES, "loss")

    @field_validator("metrics", mode="before")
    @classmethod
    def _metrics_are_known(cls, value: Any) -> Any:
        if value is None:
            return None
        items = [value] if isinstance(value, str | dict) else value
        if not isinstance(items, list | tuple):
            raise ValueError("expected a list of metrics, each a name or a name with arguments")
        if len(items) > MAX_METRICS:
            raise ValueError(f"expected at most {MAX_METRICS} metrics")
        return tuple(_with_log_names([_metric(item) for item in items]))

    @field_validator("class_weight", mode="before")
    @classmethod
    def _class_weight(cls, value: Any) -> Any:
        return class_weight_in_few_words(value)

    @model_validator(mode="after")
    def _one_learning_rate(self) -> Self:
        own = self.optimizer.config.get("learning_rate") if self.optimizer else None
        if own is not None and self.learning_rate not in (None, own):
            raise ValueError(
                "learning_rate stands in compile and in its optimizer; give it in one place"
            )
        return self

    @property
    def rate(self) -> float | None:
        """The learning rate that is asked for, wherever it stands."""
        own = self.optimizer.config.get("learning_rate") if self.optimizer else None
        return self.learning_rate if own is None else float(own)


def class_weight_in_few_words(value: Any) -> Any:
    """Check either form of class weights. Raises ValueError with one sentence."""
    if value is None or value == "balanced":
        return value
    if isinstance(value, dict) and value and all(_is_weight(item) for item in value.values()):
        return {str(key): float(item) for key, item in value.items()}
    raise ValueError(
        'expected "balanced", or a weight from 0 for each label: {"cat": 1, "dog": 2.5}'
    )


def _named(value: Any, catalogue: Catalogue, what: str) -> Named | None:
    """Read any of the forms. Raises ValueError with one sentence."""
    if value is None or isinstance(value, Named):
        return value
    name, arguments = _split(value, what)
    known = find(name, catalogue)
    if known is None:
        raise ValueError(
            f"no {what} '{name[:MAX_TEXT]}' is offered here; expected one of {', '.join(catalogue)}"
        )
    return Named(class_name=known, config=_checked(arguments, known, catalogue[known]))


def _split(value: Any, what: str) -> tuple[str, Json]:
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict):
        rest = dict(value)
        if "class_name" in rest:
            name, config = rest.pop("class_name"), rest.pop("config", None) or {}
            for key in ("module", "registered_name", "build_config", "compile_config"):
                rest.pop(key, None)  # Keras' own words round it
            if isinstance(name, str) and isinstance(config, dict) and not rest:
                return name, config
        elif isinstance(name := rest.pop("name", None), str):
            return name, rest
    raise ValueError(
        f'expected the {what} as a name, or as {{"name": ..., argument: value}}, or as '
        '{"class_name": ..., "config": {...}}'
    )


def _checked(arguments: Json, name: str, known: frozenset[str]) -> Json:
    strange = sorted(str(key) for key in arguments if key not in known)
    if strange:
        raise ValueError(
            f"{name} has no argument {', '.join(strange)[:MAX_TEXT]}; "
            f"expected some of {', '.join(sorted(known))}"
        )
    for key, value in arguments.items():
        if not _is_plain(value):
            raise ValueError(f"{name}: {key} must be a number, a text, true, false or null")
    return dict(arguments)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= MAX_LIST and all(
            _is_plain(item) and not isinstance(item, list | tuple) for item in value
        )
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    return value is None or isinstance(value, bool) or _is_number(value)


def _is_number(value: Any) -> bool:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and abs(value) < (2**63 if isinstance(value, int) else 1e300)


def _is_weight(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _check_rate(value: Any) -> None:
    if not _is_number(value) or not 0 < value <= 1e6:
        raise ValueError(
            "learning_rate must be a number above 0; what changes from epoch to epoch is the "
            "LearningRateScheduler's"
        )


def _metric(value: Any) -> Named:
    name = value if isinstance(value, str) else ""
    if name.lower() in CHOSEN_BY_LOSS:
        return Named(class_name=CHOSEN_BY_LOSS[name.lower()])
    if isinstance(value, Named) and value.class_name in CHOSEN_BY_LOSS.values():
        return value
    known = value.get("class_name") if isinstance(value, dict) else None
    if isinstance(known, str) and known in CHOSEN_BY_LOSS:
        return Named(class_name=CHOSEN_BY_LOSS[known])
    named = _named(value, METRICS, "metric")
    if named is None:
        raise ValueError("a metric must not be null")
    return named


def _with_log_names(metrics: list[Named]) -> list[Named]:
    """Each under a name of its own: Keras would number them by what else the process has built."""
    taken: set[str] = set()
    result = []
    for metric in metrics:
        is_chosen = metric.class_name in CHOSEN_BY_LOSS.values()
        wanted = metric.class_name if is_chosen else _check_name(metric.config.get("name"))
        name = wanted or _free(log_name(metric.class_name), taken)
        if name in taken:
            raise ValueError(f"two metrics are called {name}")
        taken.add(name)
        config = metric.config if is_chosen else {**metric.config, "name": name}
        result.append(Named(class_name=metric.class_name, config=config))
    return result


def _check_name(name: Any) -> str | None:
    """A name of its own: it becomes a column, a tag, a part of paths. Raises ValueError."""
    if name is None:
        return None
    is_taken = name in OF_KERAS or str(name).startswith("val_")
    if not isinstance(name, str) or METRIC_NAME.fullmatch(name) is None or is_taken:
        raise ValueError(
            f"a metric can't be called {str(name)[:40]!r}; expected letters, digits, _ . / or -, "
            f"and neither {', '.join(OF_KERAS)} nor val_..."
        )
    return name


def _free(name: str, taken: set[str]) -> str:
    number, free = 0, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
