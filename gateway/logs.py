"""One line of JSON for each request and event: ids only, never a name, a text or a token."""

from __future__ import annotations

import logging
import sqlite3
import sys
import traceback
from typing import TYPE_CHECKING, Any

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from structlog.typing import ExcInfo

_OF_DATABASES = (DBAPIError, psycopg.Error, sqlite3.Error)


def configure_logs() -> None:
    """Send structlog's lines to standard error as JSON, and quiet the libraries' own."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(told),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def told(exc_info: ExcInfo) -> str:
    """An exception with its causes, without what a database says of it: that may quote the row."""
    error: BaseException | None = exc_info[1]
    parts: list[str] = []
    while error is not None:
        trace = "".join(traceback.format_tb(error.__traceback__))
        parts.insert(0, f"{trace}{type(error).__qualname__}: {_words_of(error)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(parts)


def _words_of(error: BaseException) -> str:
    if not isinstance(error, _OF_DATABASES):
        return str(error)
    raised: Any = error.orig if isinstance(error, DBAPIError) else error
    known = (getattr(raised, "sqlstate", None), getattr(getattr(raised, "diag", None), "constraint_name", None))
    return " ".join(word for word in known if word) or type(raised).__qualname__
