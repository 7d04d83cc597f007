"""Publication into a remote repository and deletion from it.

Number, claim, files, manifest: with the manifest a version is there. Whoever loses the race for a
number takes the next. What a dead publisher leaves has a claim and no manifest: nobody serves it,
and the next publisher removes it after a day.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from service.base.errors import ModelNotFound
from service.base.http_errors import Conflict, RemoteAway, UploadRefused
from service.base.names import check_model_name, parse_version
from service.repository.layout import CLAIM
from service.repository.manifest import MANIFEST, MAX_BYTES, manifest_bytes
from service.repository.model_config import CONFIG_NAME
from service.repository.published import Wanted, choose_published
from service.repository.publishing import (
    Parcel,
    Published,
    check_case,
    choose_number,
    repeated,
)
from service.repository.remote.bucket import Bucket, Object
from service.repository.remote.claims import Claim, Claims, digest_of
from service.repository.remote.content import Content
from service.repository.remote.digesting import Digests
from service.repository.remote.tree import MEANT, Key, Tree, read_tree

logger = logging.getLogger(__name__)

TURNS = 100  # lost races in a row
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0


class RemoteShelf:
    """`tell` has the mirror look at once; `content` is what it knows, if it is on this machine.

    For `patience_s` a store that is away is asked again.
    """

    def __init__(
        self,
        bucket: Bucket,
        tell: Callable[[], object],
        content: Content | None = None,
        patience_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bucket = bucket
        self._tell = tell
        self._content = content
        self._patience_s = patience_s
        self._clock = clock
        self._pause = pause
        self._claims = Claims(bucket)
        self._digests = Digests(bucket)

    def check_writable(self, model: str) -> None:
        self._look(model)

    def holds(self, model: str) -> bool:
        return _is_there(self._look(model), model)

    def publish(self, parcel: Parcel) -> Published:
        config = parcel.config.read_bytes() if parcel.config is not None else None
        claim = Claim(parcel.model, config)
        give_up_at, pause_s = self._clock() + self._patience_s, FIRST_PAUSE_S
        while True:
            try:
                published = self._publish(parcel, claim)
                break
            except RemoteAway:
                if self._clock() >= give_up_at:
                    raise
            except (Conflict, UploadRefused):
                with suppress(RemoteAway, Conflict):
                    self._give_up(claim)
                raise
            self._pause(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        self._tell()
        return published

    def check_removable(self, model: str, version: int) -> str:
        tree = self._look(model)
        if parse_version(str(version)) is not None and (model, version) in tree.versions:
            return self._recorded(tree, (model, version))[0]
        bare = next(_bare(tree, model), None) if version == 1 else None
        if bare is None:
            raise ModelNotFound(model, version, "status")
        raise Conflict(
            f"Version {version} of model {model} is the file {bare} without a folder; "
            "only version folders are deleted over HTTP"
        )

    def remove(self, model: str, version: int) -> None:
        self.check_removable(model, version)
        place = f"{model}/{version}"
        names = self._names(place)
        self._bucket.create(MEANT, b"")
        self._claims.mark(model, version)
        self._bucket.remove([f"{place}/{MANIFEST}"])
        self._claims.clear(place, names)
        self._tell()

    def _look(self, model: str) -> Tree:
        check_model_name(model)
        tree = read_tree(self._bucket.objects())
        check_case(model, tree.models())
        return tree

    def _publish(self, parcel: Parcel, claim: Claim) -> Published:
        for _ in range(TURNS):
            tree = self._look(parcel.model)
            found = self._find(tree, parcel, claim)
            if found is not None:
                return found
            self._clean(tree, claim)
            if claim.number is None and not self._claim(tree, parcel, claim):
                continue
            self._send(parcel, claim)
            tree = self._look(parcel.model)
            found = self._find(tree, parcel, claim)  # published meanwhile?
            if found is not None and not found.is_new:
                self._give_up(claim)
                return found
            self._configure(tree, claim)
            if self._finish(parcel, claim):
                if claim.config is not None:  # who cleaned up behind another may have taken it
                    self._bucket.create(f"{claim.model}/{CONFIG_NAME}", claim.config)
                self._claims.end(claim)
                return Published(int(claim.number or 0), is_new=True)
            claim.number = claim.tried = None
        raise Conflict(f"Others publish versions of model {parcel.model} all the time; ask later")

    def _claim(self, tree: Tree, parcel: Parcel, claim: Claim) -> bool:
        there = {*tree.numbers(parcel.model), *({1} if any(_bare(tree, parcel.model)) else ())}
        _check_new(tree, claim)
        if claim.config is not None and self._config(claim.model) not in (None, claim.config):
            raise _configured(claim)
        return self._claims.take(claim, choose_number(parcel, there))

    def _send(self, parcel: Parcel, claim: Claim) -> None:
        if CLAIM in parcel.files:
            raise Conflict(
                f"No file of a version is called {CLAIM}: the repository has that itself"
            )
        for name, path in parcel.files.items():
            self._bucket.put(f"{claim.place}/{name}", path)
            if self._content is not None:
                self._content.take(path, parcel.digests[name])

    def _configure(self, tree: Tree, claim: Claim) -> None:
        """The model.yaml of a new model, right before the manifest that needs it."""
        if claim.config is None:
            return
        if not claim.has_configured:
            _check_new(tree, claim)
        claim.has_configured = True  # the answer may be lost
        is_new = self._bucket.create(f"{claim.model}/{CONFIG_NAME}", claim.config)
        if not is_new and self._config(claim.model) != claim.config:
            claim.has_configured = False
            raise _configured(claim)

    def _config(self, model: str) -> bytes | None:
        """The model.yaml that is there; none if none is, or one that nobody has sent."""
        key = f"{model}/{CONFIG_NAME}"
        with suppress(ValueError):
            return self._bucket.read(key, MAX_BYTES) if self._bucket.look(key) is not None else None
        return None

    def _finish(self, parcel: Parcel, claim: Claim) -> bool:
        """The manifest, which comes last; false if the number turned out to be another's."""
        if not self._claims.is_ours(claim):
            logger.warning(
                "a number was claimed twice: the store can't create objects only if they are new",
                extra={"model": claim.model, "version": claim.number},
            )
            return False
        manifest = manifest_bytes(parcel.digests, parcel.provenance)
        key = f"{claim.place}/{MANIFEST}"
        return self._bucket.create(key, manifest) or self._bucket.read(key, MAX_BYTES) == manifest

    def _find(self, tree: Tree, parcel: Parcel, claim: Claim) -> Published | None:
        """The version that the files are; a new one if this very call has made it."""
        wanted = Wanted(parcel.model, parcel.digests, parcel.provenance.key, not parcel.again)
        sizes = sorted(path.stat().st_size for path in parcel.files.values())

        def recorded() -> Iterator[tuple[int, str, str]]:
            for model, version in sorted(tree.versions):
                if model == parcel.model:
                    yield version, *self._recorded(tree, (model, version), sizes)

        version = choose_published(wanted, recorded())
        if version is None:
            return None
        if version == claim.number:
            return Published(version, is_new=True)
        return repeated(parcel, version, lambda: self._config(parcel.model))

    def _recorded(self, tree: Tree, key: Key, sizes: list[int] | None = None) -> tuple[str, str]:
        """Digest and key of a version as its manifest has them, or as its files are."""
        folder, place = tree.versions[key], f"{key[0]}/{key[1]}"
        if folder.is_claimed:
            return "", ""
        if folder.is_published:
            return self._digests.of_manifest(f"{place}/{MANIFEST}", folder.objects[MANIFEST])
        if sizes is None or sorted(found.size for found in folder.objects.values()) != sizes:
            return "", ""
        return self._digests.of_files(place, folder.objects), ""

    def _clean(self, tree: Tree, claim: Claim) -> None:
        """Remove what dead publishers of this model have left."""
        for (model, version), folder in tree.versions.items():
            place = f"{model}/{version}"
            is_other = model == claim.model and version != claim.number
            if is_other and folder.is_claimed and self._claims.is_stale(place):
                left = self._claims.config_of(place)
                if left and left == digest_of(self._config(model)) and not _is_there(tree, model):
                    self._bucket.remove([f"{model}/{CONFIG_NAME}"])
                self._claims.clear(place, folder.objects)
                logger.warning("removed what was left half-published", extra={"place": place})

    def _give_up(self, claim: Claim) -> None:
        """Remove what this call has left: a model.yaml alone would be the next upload's."""
        model = claim.model
        is_ours = claim.has_configured and self._config(model) == claim.config
        if is_ours and not self.holds(model):
            self._bucket.remove([f"{model}/{CONFIG_NAME}"])
        if claim.number is not None:
            self._claims.clear(claim.place, self._names(claim.place))
            claim.number = claim.tried = None

    def _names(self, place: str) -> dict[str, Object]:
        below = self._bucket.objects(place)
        return {key[len(place) + 1 :]: found for key, found in below.items()}


def _is_there(tree: Tree, model: str) -> bool:
    """Whether a version of the model may be served; a claim alone is none yet."""
    ours = (folder for key, folder in tree.versions.items() if key[0] == model)
    return any(not folder.is_claimed for folder in ours) or any(_bare(tree, model))


def _check_new(tree: Tree, claim: Claim) -> None:
    """Raise Conflict for a configuration that would change what is there."""
    if claim.config is not None and _is_there(tree, claim.model):
        raise Conflict(
            f"{CONFIG_NAME}: model {claim.model} is there already; it is changed by its operator"
        )


def _configured(claim: Claim) -> Conflict:
    return Conflict(f"{CONFIG_NAME}: model {claim.model} has another; nothing was published")


def _bare(tree: Tree, model: str) -> Iterator[str]:
    """Files of a model that lie outside of version folders: they are its version 1."""
    for path in tree.loose:
        folder, _, name = path.rpartition("/")
        is_ours = folder == model or (not folder and name.startswith(f"{model}."))
        if is_ours and name.lower().endswith((".h5", ".hdf5", ".keras")):
            yield name
