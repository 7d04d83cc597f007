"""A new head under the model.yaml of the old one: what it answers."""

from dataclasses import replace

from service.recipe.init import ReplaceHead
from service.repository.model_config import ModelConfig
from service.training.judging.answers import Question


def asked_of(head: ReplaceHead, before: Question) -> Question:
    """What a model answers under a new head, whatever it has answered before."""
    return replace(before, form="classes", width=head.classes, labels=head.labels)


def config_under(head: ReplaceHead | None, config: ModelConfig) -> ModelConfig:
    """By what a candidate's answers are read: a task that is declared was that of the old head."""
    return config if head is None else config.model_copy(update={"task": None})
