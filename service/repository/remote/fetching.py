"""From a listing to what is to lie in the mirror: versions that are whole, each fetched and proved.

What was mirrored before stays until its successor is whole, whatever is wrong with that.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from service.base.background import each
from service.base.http_errors import RemoteAway
from service.base.refusals import FileBroken
from service.repository.layout import CLAIM
from service.repository.manifest import MANIFEST, MAX_BYTES, parse_manifest
from service.repository.remote.bucket import Bucket, Object
from service.repository.remote.content import DIGEST, Content
from service.repository.remote.postponing import Postponing
from service.repository.remote.settling import Settling
from service.repository.remote.tree import (
    BESIDE,
    MAX_BESIDE,
    Folder,
    Objects,
    One,
    Tree,
    by_place,
    is_safe,
)
from service.repository.sample_requests import WARM_UP_NAME

AT_ONCE = 4  # objects of one version
NOTES = BESIDE | {MANIFEST}
MOST_TROUBLES = 3  # of the network or the disk, in one round
SAVE_EVERY_S = 1.0  # what is known of thousands of objects, while versions come
VAIN_S = 24 * 3600.0  # what came and wasn't what it must be is fetched again later and later

Plan = Mapping[str, str]  # what is to lie in the mirror: path -> sha256


class Unfit(Exception):
    """A version isn't whole, or has no room; others are none the worse."""


class Wrong(Exception):
    """What came isn't what the manifest says, or the manifest is none."""


@dataclass(slots=True)
class Round:
    """What one look has come to; `places` is the plan, `problems` has versions and files.

    `trouble` is of the network or the disk: something that is there may be lacking for it.
    """

    places: dict[str, dict[str, str]]
    problems: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    trouble: RemoteAway | None = None
    troubles: int = 0

    @property
    def plan(self) -> dict[str, str]:
        """What is to lie in the mirror now."""
        return {path: one for files in self.places.values() for path, one in files.items()}

    def take(self, place: str, found: dict[str, str] | None) -> bool:
        """What is found at a place, nothing while that must wait; true if it changes the plan."""
        if found is None:
            self.waits = True
            return False
        if self.places.get(place, {}) == found:
            return False
        self.places[place] = found
        return True

    def meet(self, trouble: RemoteAway) -> None:
        """Note what kept something from coming."""
        self.trouble = trouble
        self.troubles += 1


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
        self._postponing = Postponing()

    def look(self, tree: Tree, before: Plan, now: float, offer: Callable[[Plan], object]) -> Round:
        """Fetch what is new; `offer` hears of each version as soon as it is whole."""
        wanted = {path: one for path, one in tree.loose.items() if self._is_wanted(path)}
        served = {_place(key): tree.versions[key] for key in sorted(tree.folders())}
        places: dict[str, Folder | Objects] = {**by_place(wanted), **served}
        self._keep(places)
        look = Round(_still_there(places, before))
        for place in sorted(places, key=lambda place: place in self._last):  # what failed, last
            if self._try(look, place, places[place], now) and place in served:
                self._save(look, SAVE_EVERY_S)
                offer(look.plan)
        self._save(look)
        self._last = look.problems
        return look

    def _is_wanted(self, path: str) -> bool:
        return not self._notes_only or path.rsplit("/", 1)[-1] in NOTES

    def _keep(self, places: Collection[str]) -> None:
        """Forget every other place."""
        self._settling.keep(places)
        self._postponing.keep(places)

    def _save(self, look: Round, pause_s: float = 0.0) -> None:
        try:
            self._content.save(pause_s)
        except OSError as error:  # what isn't known after a restart is fetched again
            look.meet(of_disk(error))

    def _try(self, look: Round, place: str, what: Folder | Objects, now: float) -> bool:
        """Take what is found at a place into the plan; true if that has changed it."""
        if look.troubles >= MOST_TROUBLES:
            return False
        why = self._postponing.why(place, what, now)
        if why:
            look.problems[place] = why
            return False
        try:
            found = self._find(look, place, what, now)
        except (Unfit, ValueError) as error:
            look.problems[place] = str(error)
        except Wrong as error:
            look.problems[place] = str(error)
            self._postponing.add(place, what, str(error), now, VAIN_S)
        except RemoteAway as error:
            look.problems[place] = error.why
            if error.is_of_object:
                self._postponing.add(place, what, error.why, now)
            else:
                look.meet(error)
        except OSError as error:
            trouble = of_disk(error)
            look.problems[place] = trouble.why
            look.meet(trouble)
        else:
            self._postponing.drop(place)
            return look.take(place, found)
        return False

    def _find(
        self, look: Round, place: str, what: Folder | Objects, now: float
    ) -> dict[str, str] | None:
        if not isinstance(what, Folder):
            return self._loose(place, what, look.places.get(place, {}), now)
        if what.problem:
            raise Unfit(what.problem)
        return (
            self._notes(look, place, what) if self._notes_only else self._version(place, what, now)
        )

    def _loose(
        self, place: str, objects: Objects, before: Plan, now: float
    ) -> dict[str, str] | None:
        """A file beside, or all that a model has without a version folder: all of it or none."""
        known = {path: self._content.known(path, found) for path, found in objects.items()}
        if known == before:
            return known
        if place not in objects and not self._settling.is_settled(place, objects.items(), now):
            return None
        return self._fetch_all(objects, {})

    def _notes(self, look: Round, place: str, folder: Folder) -> dict[str, str]:
        """What is told of a version: they come where files lack, for others may have those."""
        if folder.is_published:
            try:
                self._published(place, folder)
            except Unfit as error:
                look.problems[place] = str(error)
        notes = {name: folder.objects[name] for name in folder.objects.keys() & NOTES}
        small = {name: found for name, found in notes.items() if found.size <= MAX_BESIDE}
        return self._fetch_all(_below(place, small), {})

    def _version(self, place: str, folder: Folder, now: float) -> dict[str, str] | None:
        if folder.is_published:
            wanted = self._published(place, folder)
        else:
            wanted = dict.fromkeys(folder.objects, "")
            if not self._settling.is_settled(place, folder.objects.items(), now):
                return None
        objects = {name: folder.objects[name] for name in wanted}
        return self._fetch_all(_below(place, objects), _below(place, wanted))

    def _fetch_all(self, objects: Objects, wanted: Mapping[str, str]) -> dict[str, str]:
        """The digests of objects, which are all here then, and those that they must have."""
        here = {key: self._here(key, found, wanted.get(key, "")) for key, found in objects.items()}
        coming = {key: objects[key] for key, digest in here.items() if not digest}
        if coming and not self._content.has_room(coming):
            size = sum(found.size for found in coming.values())
            raise Unfit(f"the local disk has no room for its {size} bytes beside a reserve")
        came = each(lambda key: self._fetch(key, coming[key]), list(coming), AT_ONCE)
        digests = {**here, **dict(zip(coming, came, strict=True))}
        wrong = [key for key, digest in wanted.items() if digest and digests[key] != digest]
        if not wrong:
            return digests
        for key in objects:
            if key in wrong or key.endswith(f"/{MANIFEST}"):  # whichever of the two it is
                self._content.forget(key, objects[key])
        told = f"the sha256 of {wrong[0]} is {digests[wrong[0]]}"
        raise Wrong(f"{told}, in its {MANIFEST} it is {wanted[wrong[0]]}")

    def _here(self, key: str, found: Object, wanted: str) -> str:
        """The digest of what needn't come: some of it others have, or who published it put here."""
        known = self._content.known(key, found)
        return known or (wanted if self._content.has(wanted, found.size) else "")

    def _published(self, place: str, folder: Folder) -> dict[str, str]:
        """The files of a version by its manifest, with the digests that they must have."""
        found = folder.objects[MANIFEST]
        if found.size > MAX_BYTES:
            raise Unfit(f"{MANIFEST} is larger than {MAX_BYTES} bytes")
        digest = self._fetch(f"{place}/{MANIFEST}", found)
        try:
            digests, _ = parse_manifest(self._content.path(digest).read_bytes())
        except FileBroken as error:
            self._content.forget(f"{place}/{MANIFEST}", found)
            raise Wrong(str(error)) from error
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


def _below(place: str, files: Mapping[str, One]) -> dict[str, One]:
    return {f"{place}/{name}": one for name, one in files.items()}


def _place(key: tuple[str, int]) -> str:
    return f"{key[0]}/{key[1]}"


def of_disk(error: OSError) -> RemoteAway:
    """The mirror can't be written."""
    return RemoteAway("The mirror", f"the local disk: {error.strerror}")


def _still_there(places: Collection[str], before: Plan) -> dict[str, dict[str, str]]:
    """What was mirrored, of places that are still listed."""
    return {place: files for place, files in by_place(before).items() if place in places}
