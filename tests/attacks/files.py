"""Model files around a configuration: a `.keras` archive, a whole `.h5`, an architecture JSON."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import h5py

from service.base.strict_json import Json
from tests.attacks.case import Case, Corpus

Builder = Callable[[str], Json]  # a case's id -> its configuration

METADATA = json.dumps({"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"})
MEBIBYTE = 1 << 20
FORMATS = ("keras", "h5", "json")
BASE_WEIGHTS = "models/_base.weights.h5"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def in_formats(
    corpus: Corpus, draft: Case, build: Builder, formats: tuple[str, ...] = FORMATS
) -> None:
    """Write one configuration in several formats, each a case `<id>_<format>`."""
    for form in formats:
        case = replace(draft, id=f"{draft.id}_{form}")
        config = build(case.id)
        name = f"{case.id}.{form}"
        if form == "keras":
            corpus.write(case, name, archive_of(config))
        elif form == "h5":
            corpus.write(case, name, whole_h5(config))
        else:
            corpus.write(replace(case, companion=BASE_WEIGHTS), name, json.dumps(config))


def always(config: Json) -> Builder:
    """The same configuration whatever the case."""
    return lambda _case: config


def archive_of(config: Json | str | bytes, weights: bytes | None = None) -> bytes:
    """A `.keras` archive; a configuration given as text is taken as it is."""
    raw = json.dumps(config) if isinstance(config, dict) else config
    members = {"metadata.json": METADATA, CONFIG: raw, WEIGHTS: weights or empty_h5()}
    return zipped(members)


def zipped(
    members: Mapping[str, bytes | str],
    extra: tuple[tuple[str, bytes], ...] = (),
    method: int = zipfile.ZIP_STORED,
) -> bytes:
    """A zip file of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in (*members.items(), *extra):
            archive.writestr(name, content)
    return buffer.getvalue()


def whole_h5(
    config: Json | str,
    fill: Callable[[h5py.Group], None] | None = None,
    version: str = "3.15.1",
) -> bytes:
    """A whole model as Keras writes it to `.h5`; `fill` writes the weights."""
    plain = config if isinstance(config, str) else json.dumps(_without_envelope(config))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = plain
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = []
        for place in (file, group):
            place.attrs["keras_version"] = version
            place.attrs["backend"] = "tensorflow"
        if fill is not None:
            fill(group)
    return buffer.getvalue()


def _without_envelope(config: Json) -> Json:
    return {"class_name": config["class_name"], "config": config["config"]}


def empty_h5() -> bytes:
    """A weights file of Keras 3 without weights."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("layers")
    return buffer.getvalue()


def write_zeros(archive: zipfile.ZipFile, name: str, total: int) -> None:
    """Stream `total` zero bytes into a compressed member."""
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    block = bytes(MEBIBYTE)
    with archive.open(member, "w", force_zip64=total >= 1 << 31) as stream:
        for start in range(0, total, MEBIBYTE):
            stream.write(block[: total - start])


def write_bomb(path: Path, members: Mapping[str, bytes | str], bombs: Mapping[str, int]) -> None:
    """An archive of members and of compressed zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for name, total in bombs.items():
            write_zeros(archive, name, total)
