"""Notices, for whoever makes something happen: `notify(session, Event.DOCUMENT, ...)` in the change's own transaction.

What is written here is no mail yet. `gateway.notices.telling` asks, for each person and when the time has come, whether
that person may see the item now, and leaves out whatever may not be seen; the mail names the client only by the label
that the person chose.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.mail.post import ordered_id
from models.tables.mail import Notice
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlmodel import Session


class Event(StrEnum):
    """What a notice may be about."""

    MESSAGE = "message"
    APPOINTMENT = "appointment"
    REMINDER = "reminder"
    DOCUMENT = "document"
    SIGN = "sign"
    FORM = "form"
    INVOICE = "invoice"
    PAYMENT = "payment"
    PROFILE = "profile"
    REQUEST = "request"
    RELEASE = "release"


def notify(
    session: Session,
    event: Event,
    *,
    practice_id: str,
    client_id: str,
    item: tuple[str, str] | None,
    path: str,
    accounts: Iterable[str] | None = None,
    but: str | None = None,
) -> None:
    """Tell families. `item` is (resource type, id); without one, whoever may open the client's portal is told.

    `accounts` None means whoever holds an active grant on the client; `but` is the account that did it. `path` is where
    the mail's link leads, such as `/c/mia/documents`. The session is one of the practice.
    """
    names: list[str | None] = [None] if accounts is None else [name for name in dict.fromkeys(accounts) if name != but]
    item_type, item_id = item or (None, None)
    for name in names:
        notice = _notice(event, practice_id, client_id, path, (SubjectType.ACCOUNT, name))
        notice.item_type, notice.item_id, notice.but = item_type, item_id, but
        session.add(notice)


def notify_staff(
    session: Session, event: Event, *, practice_id: str, client_id: str | None, staff: Iterable[str], path: str
) -> None:
    """Tell members of the practice's staff, each of whom must still be allowed to view the client, if there is one."""
    for name in dict.fromkeys(staff):
        session.add(_notice(event, practice_id, client_id, path, (SubjectType.STAFF, name)))


def _notice(
    event: Event, practice_id: str, client_id: str | None, path: str, reader: tuple[SubjectType, str | None]
) -> Notice:
    return Notice(
        id=ordered_id(),
        practice_id=practice_id,
        event=event.value,
        client_id=client_id,
        path=_local(path),
        subject_type=reader[0].value,
        subject_id=reader[1],
    )


def _local(path: str) -> str:
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError(f"the path of a notice is a page of this site, not {path!r}")
    return path
