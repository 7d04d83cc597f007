"""The client's calls for operators: which version answers, who sees what, and what has changed.

Each returns when every worker has followed. Raises ServiceRefused with the status: 403 without the
right, 404 for what isn't there, 409 where somebody was quicker or the version is still needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from service.base.strict_json import Json
from service.client_connection import Connection
from service.client_files import FileBody, FormBody, named_files

UPLOAD_TIMEOUT_S = 300.0  # for files that are looked at, after they have arrived


@dataclass(frozen=True, slots=True)
class Promoted:
    """A version that is the current one now; none before it where it is the first."""

    model: str
    version: int
    previous: int | None
    revision: int
    took_ms: int


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version: its state, and where it stands among requests and workers."""

    version: int
    state: str
    reason: str
    served: bool
    loaded: bool
    current: bool
    retired: bool
    labels: tuple[str, ...]
    artefact: str
    last_used: str | None
    workers: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model; `canary` and `shadow` are none where there is none."""

    name: str
    ready: bool
    current: int | None
    is_pinned: bool
    previous: tuple[int, ...]
    revision: int
    canary: Json | None
    shadow: Json | None
    versions: tuple[VersionStatus, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One change as the audit has it; `at` is ISO 8601, a later one has a higher `id`."""

    id: int
    at: str
    model: str
    action: str
    who: str
    why: str
    request_id: str
    before: Json
    after: Json


class VersionCalls(Connection):
    """What operators may ask for."""

    def model(self, model: str) -> ModelStatus:
        """One model as it stands; needs the setting `extra_keys`, which is on by default."""
        return read_model(self.ask("GET", _path(model)))

    def promote(
        self, model: str, version: int, expected_current: int | None = None, why: str = ""
    ) -> Promoted:
        """Load and warm a version everywhere, then have it answer; it stays until told otherwise.

        With `expected_current` it is refused (409) if another version is current by then.
        """
        told = _told(why=why, expected_current=expected_current)
        return _promoted(self._change("POST", f"{_path(model, version)}:promote", told))

    def rollback(self, model: str, expected_current: int | None = None, why: str = "") -> Promoted:
        """Have the version answer that was current before."""
        told = _told(why=why, expected_current=expected_current)
        return _promoted(self._change("POST", f"{_path(model)}:rollback", told))

    def release(self, model: str, why: str = "") -> Json:
        """Have the version policy choose again, after a promotion or a rollback."""
        return self._change("POST", f"{_path(model)}:release", _told(why=why))

    def label(self, model: str, label: str, version: int, why: str = "") -> Json:
        """Give a version a name that requests may ask for."""
        place = f"{_path(model)}/labels/{quote(label, safe='')}"
        return self._change("PUT", place, _told(version=version, why=why))

    def drop_label(self, model: str, label: str, why: str = "") -> Json:
        """Take it back."""
        place = f"{_path(model)}/labels/{quote(label, safe='')}"
        return self._change("DELETE", f"{place}?{urlencode(_asked(why=why))}", None)

    def traffic(
        self,
        model: str,
        canary: str = "",
        percent: float = 0,
        header: str = "",
        shadow: str = "",
        why: str = "",
    ) -> Json:
        """Send a share of the requests to one label's version, and copies of them to another's.

        What is left out is taken away; with neither, all go to the current version.
        """
        split: Json | None = {"label": canary, "percent": percent} if canary else None
        if split is not None and header:
            split["header"] = header
        place = f"{_path(model)}/traffic"
        if split is None and not shadow:
            return self._change("DELETE", f"{place}?{urlencode(_asked(why=why))}", None)
        return self._change("PUT", place, _told(canary=split, shadow=shadow or None, why=why))

    def load(self, model: str, why: str = "") -> Json:
        """Have a model's files loaded as they are now; done when every worker has."""
        return self._change("POST", f"{_path(model)}:load", _told(why=why))

    def unload(self, model: str, why: str = "") -> Json:
        """Have a model answer no more, also after a restart, until it is loaded."""
        return self._change("POST", f"{_path(model)}:unload", _told(why=why))

    def reload(self, model: str, why: str = "") -> Json:
        """Load all of a model anew; its versions answer meanwhile."""
        return self._change("POST", f"{_path(model)}:reload", _told(why=why))

    def retire(self, model: str, version: int, why: str = "") -> Json:
        """Serve a version no more; its files stay. 409 if it is current, labelled or needed."""
        return self._change("POST", f"{_path(model, version)}:retire", _told(why=why))

    def retire_old(
        self,
        model: str,
        keep: int,
        days: float | None = None,
        delete: bool = False,
        dry_run: bool = False,
        why: str = "",
    ) -> Json:
        """Retire all but the `keep` highest, and those that are needed or answered lately."""
        told = _told(keep=keep, days=days, delete=delete, dry_run=dry_run, why=why)
        return self._change("POST", f"{_path(model)}:retire", told)

    def restore(self, model: str, version: int, why: str = "") -> Json:
        """Take a retirement back."""
        return self._change("POST", f"{_path(model, version)}:restore", _told(why=why))

    def upload(
        self,
        model: str,
        files: Sequence[Path],
        version: int | None = None,
        wait: bool = False,
        why: str = "",
    ) -> Json:
        """Publish files, or all files below a folder, as a version: the next one if not told.

        The same files again are the version that they are. With `wait` it answers when the version
        is READY; 422 says why files can't be served. Raises ValueError where there are no files.
        """
        named = named_files(files)
        asked = _asked(version=version, wait="true" if wait else "", why=why)
        body: FileBody | FormBody = FormBody(named)
        if len(named) == 1:
            asked |= {"filename": next(iter(named))}
            body = FileBody(next(iter(named.values())))
        place = f"{_path(model)}/versions?{urlencode(asked)}"
        headers = {"Content-Type": body.content_type}
        return self._change("POST", place, body, headers, UPLOAD_TIMEOUT_S)

    def delete_version(self, model: str, version: int, why: str = "", force: bool = False) -> Json:
        """Take a version away, its files too. 409 if it is needed, or answered lately.

        With `force` it goes though it answered lately.
        """
        asked = urlencode(_asked(why=why, force="true" if force else ""))
        return self._change("DELETE", f"{_path(model, version)}?{asked}", None)

    def audit(self, model: str = "", limit: int = 100, before: int | None = None) -> list[Change]:
        """What was changed, by whom and why; the latest first, those before an id if told."""
        answer = self.ask(
            "GET", f"/v1/audit?{urlencode(_asked(limit=limit, model=model, before=before))}"
        )
        return [
            Change(**{name: entry[name] for name in Change.__slots__})
            for entry in answer["changes"]
        ]

    def diff(self, model: str, old: int, new: int) -> Json:
        """Two versions beside each other: `from`, `to`, and the places where they differ."""
        answer: Json = self.ask("GET", f"{_path(model)}/diff?from={old:d}&to={new:d}")
        return answer


def read_model(record: Json) -> ModelStatus:
    """A model out of the service's answer."""
    route = record["route"]
    return ModelStatus(
        name=record["name"],
        ready=record["ready"],
        current=route["current"],
        is_pinned=route["is_pinned"],
        previous=tuple(route["previous"]),
        revision=route["revision"],
        canary=route["canary"],
        shadow=route["shadow"],
        versions=tuple(_version(version) for version in record["versions"]),
    )


def _version(record: Json) -> VersionStatus:
    return VersionStatus(
        version=record["version"],
        state=record["state"],
        reason=record["reason"],
        served=record["served"],
        loaded=record["loaded"],
        current=record["current"],
        retired=record["retired"],
        labels=tuple(record["labels"]),
        artefact=record["artefact"],
        last_used=record["last_used"],
        workers=tuple(record["workers"]),
    )


def _promoted(record: Json) -> Promoted:
    return Promoted(**{name: record[name] for name in Promoted.__slots__})


def _path(model: str, version: int | None = None) -> str:
    place = f"/v1/models/{quote(model, safe='')}"
    return place if version is None else f"{place}/versions/{version:d}"


def _asked(**keys: Any) -> Json:
    """A query of what is said."""
    return {key: value for key, value in keys.items() if value not in (None, "")}


def _told(**keys: Any) -> bytes:
    """A body of what is said; what isn't has the service's own default."""
    return orjson.dumps(_asked(**keys))
