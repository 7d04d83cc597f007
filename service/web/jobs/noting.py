"""Writes into the audit who had something done that changes no route: jobs, data files."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy.exc

from service.base.database_errors import database_words
from service.repository.audit import AuditEntry, Order
from service.web.process import WebProcess

logger = logging.getLogger(__name__)


def write_down(
    process: WebProcess, model: str, action: str, order: Order, after: Mapping[str, Any]
) -> None:
    """It is done, whatever the database says now."""
    fields = {"model": model, "action": action, "who": order.who, "why": order.why, **after}
    logger.info("asked for", extra=fields)
    entry = AuditEntry(
        time.time(), model, action, order.who, order.why, order.request_id, {}, dict(after)
    )
    try:
        process.reloader.store.note(entry)
    except sqlalchemy.exc.SQLAlchemyError as error:
        logger.error("it isn't in the audit", extra={**fields, "reason": database_words(error)})
