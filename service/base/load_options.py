"""What an operator says of how a version's files are to be opened."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import orjson

ENTRY_POINTS = "kerasd.custom_objects"

LISTS = ("custom_objects", "custom_objects_path")
WeightsMode = Literal["strict", "order"]
Kernels = Literal["auto", "keep", "flip"]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """Choices that change what is built from the same files; part of a compiled version's key.

    `weights`: `order` allows weights to be matched by order where names don't tell them apart.
    `theano_kernels`: whether convolution kernels are turned round; `auto` goes by the file.
    `signature`: which signature of a SavedModel is served; empty = `serving_default`.
    `allow_lambda`: sha256 of the architecture file whose Lambda code the operator vouches for.
    `custom_objects`: importable modules with custom classes; `custom_objects_path`: where they
    lie. `custom_state` changes whenever those modules do. `custom_only`: they were chosen for this
    model, and their classes go before Keras' own of the same name.
    """

    weights: WeightsMode = "strict"
    theano_kernels: Kernels = "auto"
    signature: str = ""
    allow_lambda: str = ""
    custom_objects: tuple[str, ...] = ()
    custom_objects_path: tuple[str, ...] = ()
    custom_state: str = ""
    custom_only: bool = False

    def as_json(self) -> dict[str, Any]:
        """A plain record, for a child's task."""
        return asdict(self)

    def with_custom(self, custom: "LoadOptions") -> "LoadOptions":
        """These, with what the settings say of custom classes where this model chose none."""
        return replace(
            self,
            custom_objects=self.custom_objects or custom.custom_objects,
            custom_objects_path=custom.custom_objects_path,
            custom_state=custom.custom_state,
        )

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "LoadOptions":
        """The reverse of `as_json`; what is missing has its default."""
        lists = {key: tuple(record.get(key, ())) for key in LISTS}
        return cls(**{**record, **lists})

    def key(self) -> str:
        """What of this must be the same for a compiled version to be used again."""
        record = self.as_json()
        del record["custom_objects_path"]
        if record == {k: v for k, v in LoadOptions().as_json().items() if k in record}:
            return ""
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()
