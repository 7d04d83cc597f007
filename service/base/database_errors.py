"""Errors of the database's schema and of backups, which the person who runs kerasd must mend.

OperatorError
├── SchemaUnknown                   unknown_schema
├── DatabaseUnusable                bad_database
└── BackupRefused                   bad_backup
"""

from service.base.errors import OperatorError

TOLD_CHARACTERS = 200


def database_words(error: Exception) -> str:
    """What a database has said, on one line, of SQLAlchemy's error without the statement."""
    return " ".join(str(getattr(error, "orig", None) or error).split())[:TOLD_CHARACTERS]


class SchemaUnknown(OperatorError):
    """A newer kerasd has changed the database's schema; this one would read it wrongly."""

    code = "unknown_schema"

    def __init__(self, found: str, newest: str) -> None:
        self.found = found
        super().__init__(
            f"The database has schema {found}, which this kerasd doesn't know (its newest is "
            f"{newest}): a newer kerasd has changed it; run that one, or restore the backup from "
            "before the upgrade"
        )


class DatabaseUnusable(OperatorError):
    """A command needs the database and can't have it; `why` never holds a password."""

    code = "bad_database"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The database can't be used ({why}); see the setting database_url, whether the "
            "database runs, and what its user may do"
        )


class BackupRefused(OperatorError):
    """A backup can't be made here, or isn't one that can be restored here."""

    code = "bad_backup"
