"""From a listing to what is to lie in the mirror: versions that are whole, each fetched and proved.

What was mirrored before stays until its successor is whole, whatever is wrong with that.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from service.base.background import each
from service.base.http_errors import RemoteAway
from service.base.refusals import FileBroken
from service.repository.layout import CLAIM
from service.repository.manifest import MANIFEST, MAX_BYTES, parse_manifest
from service.repository.remote.bucket import Bucket, Object
from service.repository.remote.content import DIGEST, Content
from service.repository.remote.settling import Settling
from service.repository.remote.tree import BESIDE, Folder, Tree, is_safe
from service.repository.sample_requests import WARM_UP_NAME

AT_ONCE = 4  # objects of one version
NOTES = BESIDE | {MANIFEST}
MOST_TROUBLES = 3  # of the network, in one round

Plan = Mapping[str, str]  # what is to lie in the mirror: path -> sha256


class Unfit(Exception):
    """A version isn't whole, or isn't what its manifest says; others are none the worse."""


@dataclass(slots=True)
class Round:
    """What one look has come to: `problems` by version or file, and what ended it early."""

    plan: dict[str, str]
    problems: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    trouble: RemoteAway | None = None
    troubles: int = 0


class Fetching:
    """`count` hears of bytes that come. With `notes_only` only what is told of versions does."""

    def __init__(
        self,
        bucket: Bucket,
        content: Content,
        settling: Settling,
        count: Callable[[int], object],
        notes_only: bool = False,
    ) -> None:
        self._bucket = bucket
        self._content = content
        self._settling = settling
        self._count = count
        self._notes_only = notes_only
        self._last: dict[str, str] = {}

    def look(self, tree: Tree, before: Plan, now: float, offer: Callable[[Plan], object]) -> Round:
        """Fetch what is new; `offer` hears of each version as soon as it is whole."""
        self._settling.keep({*map(_place, tree.versions), *tree.loose})
        look = Round(_still_there(tree, before))
        for path, found in tree.loose.items():
            if self._notes_only and path.rsplit("/", 1)[-1] not in NOTES:
                continue
            self._try(look, path, partial(self._loose, path, found, now))
        for key in sorted(tree.versions, key=lambda key: (_place(key) in self._last, key)):
            place, folder = _place(key), tree.versions[key]
            if folder.is_claimed:
                continue
            if self._try(look, place, partial(self._version, place, folder, now)):
                self._content.save()
                offer(dict(look.plan))
        self._content.save()
        self._last = look.problems
        return look

    def _try(self, look: Round, place: str, find: Callable[[], Plan | None]) -> bool:
        """Take what is found at a place into the plan; true if that has changed it."""
        if look.troubles >= MOST_TROUBLES:
            return False
        try:
            found = find()
        except (Unfit, FileBroken, ValueError) as error:
            look.problems[place] = str(error)
            return False
        except RemoteAway as error:
            look.trouble, look.problems[place] = error, error.why
            look.troubles += 1
            return False
        if found is None:
            look.waits = True
            return False
        ours = {path: one for path, one in look.plan.items() if _is_at(path, place)}
        if ours == found:
            return False
        for path in ours:
            del look.plan[path]
        look.plan.update(found)
        return True

    def _loose(self, path: str, found: Object, now: float) -> Plan | None:
        is_whole = path.rsplit("/", 1)[-1] in BESIDE or self._content.known(path, found)
        if not is_whole and not self._settling.is_settled(path, (found,), now):
            return None
        return {path: self._fetch(path, found)}

    def _version(self, place: str, folder: Folder, now: float) -> Plan | None:
        if folder.problem:
            raise Unfit(folder.problem)
        if self._notes_only:
            wanted = dict.fromkeys(folder.objects.keys() & NOTES, "")
        elif folder.is_published:
            wanted = self._published(place, folder)
        else:
            wanted = dict.fromkeys(folder.objects, "")
            if not self._settling.is_settled(place, folder.objects.items(), now):
                return None
        digests = self._fetch_all(place, folder, wanted)
        for name, digest in digests.items():
            if wanted[name] and digest != wanted[name]:
                told = f"the sha256 of {name} is {digest}, in its {MANIFEST} it is {wanted[name]}"
                raise Unfit(told)
        return {f"{place}/{name}": digest for name, digest in digests.items()}

    def _fetch_all(self, place: str, folder: Folder, wanted: Mapping[str, str]) -> dict[str, str]:
        """The digests of a version's files, which are all here then."""
        objects = folder.objects
        known = {name: self._content.known(f"{place}/{name}", objects[name]) for name in wanted}
        missing = [name for name in wanted if not known[name]]

        def fetch(name: str) -> str:
            if wanted[name] and self._content.has(wanted[name], objects[name].size):
                return wanted[name]  # of another version, or put here by who published it
            return self._fetch(f"{place}/{name}", objects[name])

        return {**known, **dict(zip(missing, each(fetch, missing, AT_ONCE), strict=True))}

    def _published(self, place: str, folder: Folder) -> dict[str, str]:
        """The files of a version by its manifest, with the digests that they must have."""
        found = folder.objects[MANIFEST]
        if found.size > MAX_BYTES:
            raise Unfit(f"{MANIFEST} is larger than {MAX_BYTES} bytes")
        digest = self._fetch(f"{place}/{MANIFEST}", found)
        digests, _ = parse_manifest(self._content.path(digest).read_bytes())
        for name in digests:
            if name not in folder.objects or not is_safe(name) or name in (MANIFEST, CLAIM):
                raise Unfit(f"{name[:100]!a} is in its {MANIFEST} but not there")
            if not DIGEST.fullmatch(digests[name].lower()):
                raise Unfit(f"{name[:100]!a} has no sha256 in its {MANIFEST}")
        beside = {WARM_UP_NAME: ""} if WARM_UP_NAME in folder.objects else {}
        named = {name: one.lower() for name, one in digests.items()}
        return {**beside, **named, MANIFEST: digest}

    def _fetch(self, key: str, found: Object) -> str:
        known = self._content.known(key, found)
        if known:
            return known
        digest = self._content.fetch(key, found, partial(self._pieces, key, found))
        if self._bucket.look(key) != found:  # its pieces may be of two objects
            self._content.forget(key, found)
            raise Unfit(f"{key} changed while it was fetched")
        return digest

    def _pieces(self, key: str, found: Object, start: int) -> Iterator[bytes]:
        for piece in self._bucket.pieces(key, start, found.size):
            self._count(len(piece))
            yield piece


def _place(key: tuple[str, int]) -> str:
    return f"{key[0]}/{key[1]}"


def _is_at(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _still_there(tree: Tree, before: Plan) -> dict[str, str]:
    """What was mirrored and is still listed; of a version that is claimed now, nothing."""
    places = {_place(key) for key, folder in tree.versions.items() if not folder.is_claimed}
    kept = {}
    for path, digest in before.items():
        place = "/".join(path.split("/")[:2])
        if path in tree.loose or (path.count("/") >= 2 and place in places):
            kept[path] = digest
    return kept
