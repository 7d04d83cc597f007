"""Which Keras wrote a file: by the file's own word, else by the form of its configuration."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.base.strict_json import Json
from service.loading.upgrade.tree import settings_within

KERAS_1 = "Keras 1"
KERAS_3 = "Keras 3"
ONLY_KERAS_1 = frozenset({"nb_filter", "output_dim", "border_mode", "inner_activation", "init"})


@dataclass(frozen=True, slots=True)
class Era:
    """A version of Keras as far as rules ask for it; `number` is none where the file is silent."""

    number: tuple[int, int, int] | None
    text: str = ""

    def is_before(self, *number: int) -> bool:
        """True for an older Keras, and where nothing is known: old files are the silent ones."""
        return self.number is None or self.number[: len(number)] < number

    @property
    def is_ambiguous(self) -> bool:
        """TensorFlow 1.13 to 2.1 all called their Keras 2.2.4-tf; others say nothing at all."""
        return self.number is None or (self.number == (2, 2, 4) and self.text.endswith("-tf"))


def parse_era(keras_version: str) -> Era:
    """The era of a version as files spell it: `1.0.4`, `2.2.4-tf`, `3.10.0`, or anything else."""
    found = re.match(r"(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?(?!\d)", keras_version)
    if found is None:
        return Era(None, keras_version)
    major, minor, patch = (int(part or 0) for part in found.groups())
    return Era((major, minor, patch), keras_version)


def is_modern(config: Json, keras_version: str) -> bool:
    """True for what Keras 3 itself wrote, by the file's own word or by its form."""
    number = parse_era(keras_version).number
    if number is not None:
        return number[0] >= 3
    return "module" in config and not any("batch_input_shape" in c for c in settings_within(config))


def era_of(config: Json, keras_version: str) -> str:
    """`Keras 1`, `Keras 2` (Keras on its own), `tf.keras 2`, `Keras 3`: the name for people."""
    number = parse_era(keras_version).number
    if is_modern(config, keras_version):
        return KERAS_3
    if number is None:
        return KERAS_1 if _is_first(config) else "Keras 2"
    if number[0] < 2:
        return KERAS_1
    return "tf.keras 2" if number[1] >= 4 or "-tf" in keras_version else "Keras 2"


def _is_first(config: Json) -> bool:
    """True for words that only Keras 1 had; an embedding kept its `output_dim`."""
    return any(
        ONLY_KERAS_1 & inner.keys() and kind != "Embedding" for kind, inner in _layers(config)
    )


def _layers(value: Any) -> Iterator[tuple[Any, Json]]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if isinstance(item.get("config"), dict):
                yield item.get("class_name"), item["config"]
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
