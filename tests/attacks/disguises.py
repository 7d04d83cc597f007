"""Files that two readers would take for different things, and pickles under other names."""

import io
import json
import struct
import zipfile
from typing import Any

import numpy as np

from tests.attacks.architecture import a_lambda, dense, of_one
from tests.attacks.archives import OUTSIDE
from tests.attacks.base import Base
from tests.attacks.case import CLEAR, Case, Corpus
from tests.attacks.family import CODE, CORRUPT, DIFFERENTIAL, TRAVERSAL
from tests.attacks.files import BASE_WEIGHTS, CONFIG, METADATA, archive_of, zipped

NO_PICKLE = "refuse, never unpickle"
BY_CONTENT = "tell it by its content: load it as what it is, or refuse naming both types"
ENTRY = b"PK\x01\x02"  # an entry of the table at an archive's end


def add_disguises(corpus: Corpus, base: Base) -> None:
    """Write every case that isn't what it seems."""
    _add_duplicates(corpus, base)
    _add_lies(corpus, base)
    _add_polyglots(corpus, base)
    _add_pickles(corpus, base)
    draft = Case(
        "shard_traversal",
        TRAVERSAL,
        "sharded weights map names ../canary/target.h5",
        OUTSIDE,
        kind="weights_json",
        companion="models/_base.json",
    )
    shards = {"/layers/dense/vars": "../canary/target.h5"}
    record = {"metadata": {"total_size": 1}, "weight_map": shards}
    corpus.write(draft, "shard_traversal.weights.json", json.dumps(record))


def _add_duplicates(corpus: Corpus, base: Base) -> None:
    """Harmless at the first look, with code at the second."""
    case = "zip_dup_config"
    evil = of_one(a_lambda("lam", corpus.payloads.as_object(case)))
    draft = Case(
        case,
        DIFFERENTIAL,
        "two config.json members: a harmless one first, one with code last",
        "refuse: duplicate members (what is checked must be what is loaded)",
        payload="marker",
    )
    placeholder = "xonfig.json"  # zipfile warns of two members of one name
    content = zipped(base.members, ((placeholder, json.dumps(evil).encode()),))
    corpus.write(draft, f"{case}.keras", content.replace(placeholder.encode(), CONFIG.encode()))
    case = "json_dup_keys"
    good = dense("lam", 2)
    evil = a_lambda("lam", corpus.payloads.as_object(case))
    plain = json.dumps(good)
    text = json.dumps(of_one(good)).replace(plain, f"{plain[:-1]},{json.dumps(evil)[1:]}")
    attacks = "every key of one layer given twice: Dense first, Lambda with code last"
    must = "refuse: duplicate keys"
    draft = Case(case, DIFFERENTIAL, attacks, must, payload="marker", companion=BASE_WEIGHTS)
    corpus.write(draft, f"{case}.json", text)


def _add_lies(corpus: Corpus, base: Base) -> None:
    """The table at the end says otherwise than the members do."""
    plain = zipped(base.members)
    renamed = bytearray(plain)
    start = renamed.find(CONFIG.encode())
    renamed[start : start + len(CONFIG)] = b"confiX.json"
    attacks = "central directory and local header name different files"
    draft = Case("zip_local_name_differs", DIFFERENTIAL, attacks)
    corpus.write(draft, f"{draft.id}.keras", bytes(renamed))
    draft = Case("zip_size_lies", CORRUPT, "declared sizes of config.json are wrong")
    corpus.write(draft, f"{draft.id}.keras", _with_wrong_sizes(plain))
    changed = bytearray(base.keras)
    changed[changed.find(b'"units": 3') + 9] = ord("4")
    attacks = "one byte of config.json changed, CRC not"
    draft = Case("zip_crc_mismatch", CORRUPT, attacks, "refuse: checksum")
    corpus.write(draft, f"{draft.id}.keras", bytes(changed))
    flagged = bytearray(plain)
    for entry in _entries(plain):
        flagged[entry + 8] |= 1
    draft = Case("zip_encrypted_flag", CORRUPT, "members flagged as encrypted")
    corpus.write(draft, f"{draft.id}.keras", bytes(flagged))


def _with_wrong_sizes(archive: bytes) -> bytes:
    lying = bytearray(archive)
    for entry in _entries(archive):
        (length,) = struct.unpack("<H", archive[entry + 28 : entry + 30])
        if archive[entry + 46 : entry + 46 + length] == CONFIG.encode():
            lying[entry + 20 : entry + 28] = struct.pack("<II", 100, 100)
    return bytes(lying)


def _entries(archive: bytes) -> list[int]:
    """Where the entries of the table begin."""
    found, start = [], archive.find(ENTRY)
    while start >= 0:
        found.append(start)
        start = archive.find(ENTRY, start + 4)
    return found


def _add_polyglots(corpus: Corpus, base: Base) -> None:
    """A good HDF5 file with an archive behind it that carries code; and wrong suffixes."""
    evil = of_one(a_lambda("lam", corpus.payloads.as_object("polyglot_as_keras")))
    both = base.h5 + archive_of(evil)
    draft = Case(
        "polyglot_as_keras",
        DIFFERENTIAL,
        "a valid HDF5 file with a zip (with code) appended, named .keras",
        "refuse: type by content, one type only",
        payload="marker",
    )
    corpus.write(draft, "polyglot_as_keras.keras", both)
    must = "refuse: trailing data after the HDF5 end of file"
    draft = Case("polyglot_as_h5", DIFFERENTIAL, "the same bytes named .h5", must)
    corpus.write(draft, "polyglot_as_h5.h5", both)
    draft = _misnamed("h5_named_keras", "HDF5 bytes named .keras")
    corpus.write(draft, "h5_named_keras.keras", base.h5)
    draft = _misnamed("keras_named_h5", "zip bytes named .h5")
    corpus.write(draft, "keras_named_h5.h5", base.keras)


def _misnamed(case: str, attacks: str) -> Case:
    return Case(case, DIFFERENTIAL, attacks, BY_CONTENT, either=True)


def _add_pickles(corpus: Corpus, base: Base) -> None:
    for suffix in ("h5", "keras"):
        case = f"pickle_named_{suffix}"
        draft = Case(case, CODE, f"a pickle named .{suffix}", NO_PICKLE, payload="marker")
        corpus.write(draft, f"{case}.{suffix}", corpus.payloads.pickled(case))
    case = "keras_npz_pickle"
    objects = np.empty(1, object)
    objects[0] = corpus.payloads.unpicklable(case)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {"layers/dense": objects}
    np.savez(buffer, **arrays)
    members = {"metadata.json": METADATA, CONFIG: base.architecture}
    draft = Case(
        case,
        CODE,
        "model.weights.npz holds a pickled object array",
        NO_PICKLE,
        ref="keras PR 23034",
        payload="marker",
    )
    content = zipped(members, (("model.weights.npz", buffer.getvalue()),))
    corpus.write(draft, f"{case}.keras", content)


def add_incomplete(corpus: Corpus, base: Base) -> None:
    """Write every case of an archive that lacks a part, or whose config.json is none."""
    members = base.members
    parts = ("metadata.json", CONFIG, "model.weights.h5")
    for name, missing in zip(("no_metadata", "no_config", "no_weights"), parts, strict=True):
        kept = {part: members[part] for part in parts if part != missing}
        draft = Case(f"zip_{name}", CORRUPT, name.replace("_", " "))
        if name == "no_metadata":
            must = "metadata is not needed to load: either answer, but a definite one"
            draft = Case(draft.id, CORRUPT, draft.attacks, must, "load", either=True)
        corpus.write(draft, f"{draft.id}.keras", zipped(kept))
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    draft = Case("zip_empty", CORRUPT, "a zip with no members")
    corpus.write(draft, "zip_empty.keras", buffer.getvalue())
    for name, raw in _not_configurations(base.architecture.encode()).items():
        either = name in ("utf16", "bom")
        draft = Case(f"config_{name}", CORRUPT, f"config.json: {name}", CLEAR, either=either)
        content = archive_of(raw, members["model.weights.h5"])
        corpus.write(draft, f"{draft.id}.keras", content)


def _not_configurations(good: bytes) -> dict[str, bytes]:
    return {
        "null": b"null",
        "list": b"[]",
        "string": b'"os.system"',
        "number": b"1",
        "utf16": good.decode().encode("utf-16"),
        "bom": b"\xef\xbb\xbf" + good,
        "trailing": good + b" {}",
        "latin1": good.replace(b"sequential", b"s\xe9q"),
        "no_class": b'{"config": {}}',
        "class_int": b'{"class_name": 5, "config": {}}',
        "class_list": b'{"class_name": ["Dense"], "config": {}}',
        "config_list": b'{"module":"keras","class_name":"Sequential","config":[1,2]}',
    }
