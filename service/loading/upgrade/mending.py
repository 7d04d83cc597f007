"""What a walk over one model gathers: the rules that changed something, and what to tell."""

from dataclasses import dataclass, field

from service.loading.upgrade.era import Era


@dataclass(slots=True)
class Mending:
    """Filled while a configuration is upgraded; one for each model."""

    era: Era
    rules: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)  # new name -> name in the file
    notes: dict[str, None] = field(default_factory=dict)  # in the order of their discovery
    orderings: set[str] = field(default_factory=set)
    backend: str = ""  # as the file tells it, or an operator
    is_channels_first: bool = False  # Keras 1's "th", for layers that don't say it themselves

    def applied(self, rule: str) -> None:
        """Remember that a rule changed something."""
        self.rules.add(rule)

    def note(self, sentence: str) -> None:
        """Remember a choice that people should hear of; the same sentence is told once."""
        self.notes[sentence] = None
