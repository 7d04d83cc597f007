"""Looks at a remote repository again and again in a thread, and says what the mirror should be.

Whatever goes wrong there, what is mirrored stays. It is told once when that begins and once when
it ends.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from service.base.http_errors import RemoteAway
from service.repository.remote.bucket import Bucket
from service.repository.remote.content import Content
from service.repository.remote.fetching import Fetching, Plan, Round, of_disk
from service.repository.remote.settling import Settling
from service.repository.remote.status import Status, read_status
from service.repository.remote.tree import Key, place_of, read_tree

logger = logging.getLogger(__name__)

LONGEST_PAUSE_S = 60.0
TICK_S = 0.2
PRUNE_EVERY_S = 600.0
TELL_EVERY_S = 5.0  # what comes, in a look that takes long
MOST_TOLD = 20
MOST_FIRST_LOOKS = 10  # at what has not settled or come, before the rest is shown


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is looked, and how long what has no manifest must not have changed; seconds."""

    settle_s: float
    poll_s: float


class Syncing:
    """`step` is public so that tests call it with their own time; `news` tells who publishes."""

    def __init__(
        self,
        bucket: Bucket,
        content: Content,
        folder: Path,
        pace: Pace,
        news: Callable[[], int],
        notes_only: bool = False,
    ) -> None:
        self._bucket = bucket
        self._content = content
        self._folder = folder
        self._poll_s = pace.poll_s
        self._settle_s = pace.settle_s
        self._news = news
        self._fetching = Fetching(bucket, content, Settling(pace.settle_s), self._count, notes_only)
        self._plan: Plan | None = None
        self._listed: frozenset[Key] | None = None
        self._lock = threading.Lock()
        self._status = Status()
        self._problems: dict[str, str] = {}
        self._refused: tuple[str, ...] = ()
        self._is_told = False
        self._failures = self._looks = 0
        self._prune_at = self._tell_at = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, plan: Plan | None) -> None:
        """Go on from what was to be mirrored last."""
        self._content.open()
        self._plan = plan
        before = read_status(self._folder)
        if before is not None:
            self._status = Status(
                synced_at=before.synced_at,
                bytes=before.bytes,
                requests_failed=before.requests_failed,
            )

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._loop, name="mirror", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; a call that hangs isn't waited for."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)

    @property
    def plan(self) -> Plan | None:
        """What the mirror should be; none before anything is known."""
        return self._plan

    @property
    def listed(self) -> frozenset[Key] | None:
        """The versions of the last listing that had objects; none before there was one."""
        return self._listed

    def step(self, now: float) -> float:
        """One look; how long to wait for the next."""
        waits = False
        try:
            look = self._look(now)
            waits = look.waits
            trouble = look.trouble
        except RemoteAway as error:
            trouble = error
        except OSError as error:
            trouble = of_disk(error)
        self._judge(trouble)
        self._status.write(self._folder)
        if trouble is not None:
            return min(self._poll_s * 2.0 ** min(self._failures, 8), LONGEST_PAUSE_S)
        return min(self._poll_s, self._settle_s + TICK_S) if waits else self._poll_s

    def _look(self, now: float) -> Round:
        before = self._plan or {}
        objects = self._bucket.objects()
        if not objects and before:
            raise RemoteAway("The remote repository", "it holds no object at all any more")
        tree = read_tree(objects, before)
        if objects:
            self._listed = tree.served()
        look = self._fetching.look(tree, before, now, self._offer)
        self._looks += 1
        unfinished = look.waits or look.trouble is not None
        if self._plan is not None or not unfinished or self._looks >= MOST_FIRST_LOOKS:
            self._plan = look.plan
        self._tell_problems(look.problems, tree.refused)
        versions = sum(any(path.count("/") > 1 for path in one) for one in look.places.values())
        incomplete = look.problems.keys() | {place_of(key) for key in tree.refused}
        self._status = replace(self._status, incomplete=len(incomplete), versions=versions)
        if now >= self._prune_at:
            self._content.prune(set(look.plan.values()), objects.items())
            self._prune_at = now + PRUNE_EVERY_S
        return look

    def _offer(self, plan: Plan) -> None:
        """Show each version when it is whole; the first plan comes in one, as ready means all."""
        if self._plan is not None:
            self._plan = plan

    def _judge(self, trouble: RemoteAway | None) -> None:
        """Note how it went; a line only where that isn't how it went before."""
        if trouble is not None:
            self._failures += 1
            failed = self._status.requests_failed + 1
            if self._status.is_up or not self._is_told or self._status.why != trouble.why:
                logger.warning(
                    "the remote repository can't be used; what is mirrored is served",
                    extra={"repository": str(self._bucket.address), "why": trouble.why},
                )
            self._status = replace(
                self._status, is_up=False, why=trouble.why, requests_failed=failed
            )
        else:
            if not self._status.is_up:
                logger.info(
                    "the remote repository is mirrored",
                    extra={
                        "repository": str(self._bucket.address),
                        "versions": self._status.versions,
                    },
                )
            self._failures = 0
            self._status = replace(self._status, is_up=True, why="", synced_at=time.time())
        self._is_told = True

    def _tell_problems(self, problems: dict[str, str], refused: tuple[str, ...]) -> None:
        for place in sorted(problems)[:MOST_TOLD]:
            if self._problems.get(place) != problems[place]:
                logger.warning(
                    "a version in the remote repository can't be taken",
                    extra={"place": place, "why": problems[place]},
                )
        if refused and refused != self._refused:
            told = [key[:200].encode("ascii", "backslashreplace").decode() for key in refused]
            logger.warning(
                "objects of the remote repository are left out for their keys",
                extra={"keys": told[:MOST_TOLD], "count": len(refused)},
            )
        self._problems, self._refused = problems, refused

    def _count(self, size: int) -> None:
        with self._lock:
            self._status = replace(self._status, bytes=self._status.bytes + size)
            if time.monotonic() >= self._tell_at:  # who sees bytes come doesn't take it for dead
                self._tell_at = time.monotonic() + TELL_EVERY_S
                replace(self._status, is_up=True, why="").write(self._folder)

    def _loop(self) -> None:
        while not self._stop.is_set():
            heard = self._news()
            try:
                pause_s = self.step(time.monotonic())
            except Exception:  # the loop must live on, whatever one look has met
                logger.exception("a look at the remote repository failed")
                pause_s = LONGEST_PAUSE_S
            until = time.monotonic() + pause_s
            while time.monotonic() < until and not self._stop.wait(TICK_S):
                if self._news() != heard:
                    break
