"""Which role each route needs: the one table, for the front, for Flask and for uploads.

What stands in no line of it is refused to everybody but `admin`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from service.base.roles import Role

READING = ("GET", "HEAD", "OPTIONS")
ASKING = ("POST", "OPTIONS")
CHANGING = ("POST", "PUT", "DELETE", "OPTIONS")
NAME = r"[^/:]+"
V1_MODEL = rf"/v1/models/(?P<model>{NAME})"
V1_ONE = rf"{V1_MODEL}(/versions/{NAME}|/labels/{NAME})?"
V2_MODEL = rf"/v2/models/(?P<model>{NAME})"
V2_ONE = rf"{V2_MODEL}(/versions/{NAME})?"
V2_REPOSITORY = rf"/v2/repository(/{NAME})?"

Roles = frozenset[Role]

ANYBODY_MAY: Roles = frozenset()
ANY_ROLE: Roles = frozenset(Role)
PREDICT: Roles = frozenset({Role.PREDICT})
CLIENTS: Roles = frozenset({Role.PREDICT, Role.READ})
READ: Roles = frozenset({Role.READ})
METRICS: Roles = frozenset({Role.METRICS})
FEEDBACK: Roles = frozenset({Role.FEEDBACK})
TRAIN: Roles = frozenset({Role.TRAIN})
WATCH: Roles = frozenset({Role.TRAIN, Role.READ})
ADMIN: Roles = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Need:
    """One of `roles` is needed, none where everybody may; the request is about `model`, or about
    no one model. `is_general` is true for what tells nothing of any model, `is_looked_up` where
    only the route finds out which model it is about, and holds the caller's models against it.
    """

    roles: Roles
    model: str = ""
    is_general: bool = False
    is_looked_up: bool = False

    @property
    def is_changing(self) -> bool:
        """True for what leaves something behind, feedback and jobs as well."""
        return self.roles in (ADMIN, FEEDBACK, TRAIN)

    @property
    def is_inside(self) -> bool:
        """True for what tells how the service is run: who changed what, and how versions differ."""
        return self.roles in (READ, WATCH)


@dataclass(frozen=True, slots=True)
class TableRow:
    """Requests with one of these methods and a path like this, as documents write it."""

    methods: tuple[str, ...]
    pattern: str
    roles: Roles
    is_general: bool = False
    is_looked_up: bool = False


TABLE = (
    TableRow(READING, r"/|/livez|/readyz|/v2/health/(live|ready)", ANYBODY_MAY, is_general=True),
    TableRow(READING, r"/openapi\.json|/docs|/v2", ANY_ROLE, is_general=True),
    TableRow(ASKING, rf"{V1_ONE}:(predict|classify|regress)", PREDICT),
    TableRow(ASKING, rf"{V2_ONE}/(infer|generate|generate_stream|infer_stream)", PREDICT),
    TableRow(READING, rf"{V1_ONE}(/metadata)?|{V1_MODEL}/sample", CLIENTS),
    TableRow(READING, r"/metrics|/monitoring/prometheus/metrics|/v2/models/stats", METRICS),
    TableRow(READING, rf"{V2_ONE}/stats", METRICS),
    TableRow(READING, rf"{V2_ONE}(/(ready|config))?", CLIENTS),
    TableRow(READING, r"/v1/models|/v2/models", CLIENTS),
    TableRow(ASKING, rf"{V1_MODEL}:feedback", FEEDBACK),
    TableRow(ASKING, rf"(/seldon/{NAME}/(?P<model>{NAME}))?/api/v1\.0/feedback", FEEDBACK),
    TableRow(ASKING, rf"{V1_MODEL}(/versions/{NAME})?:(retrain|evaluate|batch-predict)", TRAIN),
    TableRow(CHANGING, rf"{V1_MODEL}/data(/{NAME})?", TRAIN),
    TableRow(ASKING, rf"/v1/jobs/{NAME}:cancel", TRAIN, is_looked_up=True),
    TableRow(READING, rf"/v1/jobs(/{NAME}(/.*)?)?", WATCH, is_looked_up=True),
    TableRow(READING, rf"{V1_MODEL}/(data|evaluations(/compare)?)", WATCH),
    TableRow(READING, rf"{V1_MODEL}/(diff|quality)", READ),
    TableRow(READING, r"/v1/audit|/v2/logging", READ),
    TableRow(READING, rf"/v2(/models/{NAME})?/trace/setting", READ),
    TableRow(ASKING, rf"{V2_REPOSITORY}/index", READ),
    TableRow(CHANGING, rf"{V1_MODEL}:(load|unload|reload|rollback|release|retire|forget)", ADMIN),
    TableRow(CHANGING, rf"{V1_MODEL}/versions(/{NAME}(:(promote|retire|restore))?)?", ADMIN),
    TableRow(CHANGING, rf"{V1_MODEL}/(labels/{NAME}|traffic)", ADMIN),
    TableRow(ASKING, rf"{V2_REPOSITORY}/models/(?P<model>[^/]+)/(load|unload)", ADMIN),
    TableRow(ASKING, r"/v2/logging", ADMIN),
)
REST = Need(ADMIN)


@lru_cache(maxsize=1024)  # clients ask the same few again and again
def need_of(method: str, path: str) -> Need:
    """What a request for this decoded path needs.

    Paths of version 1 don't mind the case; the others do.
    """
    asked = path.rstrip("/") or "/"
    for line, pattern in _compiled():
        if method in line.methods and (match := pattern.fullmatch(asked)):
            model = next((value for value in match.groupdict().values() if value), "")
            return Need(line.roles, model, line.is_general, line.is_looked_up)
    return REST


def may_pages_read(method: str, path: str) -> bool:
    """Whether web pages of any origin may read the answer, with `cors`: predictions, what clients
    have to know of models, and what tells nothing of any.
    """
    need = need_of(method, path)
    return Role.PREDICT in need.roles or need.is_general


@lru_cache(maxsize=1)
def _compiled() -> list[tuple[TableRow, re.Pattern[str]]]:
    return [(line, _compile(line.pattern)) for line in TABLE]


def _compile(pattern: str) -> re.Pattern[str]:
    """A pattern of alternatives may name its model in each; a group's name may stand once."""
    first, *parts = pattern.split("(?P<model>")
    named = "".join(f"(?P<model{number}>{part}" for number, part in enumerate(parts))
    return re.compile(first + named, re.IGNORECASE if pattern.startswith("/v1/") else 0)
