"""What a reader has not read yet: the number for the home page, and the notice after a quarter of an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, or_, update
from sqlmodel import col, select

from gateway.edge.errors import CannotDecide
from gateway.edge.questions import asking, visible
from gateway.notices.notify import Event, notify, notify_staff
from gateway.portal.messages.conversations import count_unread
from gateway.portal.messages.views import reader_of
from gateway.records.filter import UnknownConditionError, where
from models.tables.messages import Message, MessageRead
from models.tables.records import Practice, Thread
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlmodel import Session
    from starlette.requests import Request

UNREAD = timedelta(minutes=15)  # before a notice goes out


async def unread(request: Request, client_id: str) -> int:
    """How many messages about a client the reader has not read; those that they may not see do not count.

    The client may be another than that of the page. CannotDecide as of every question.
    """
    found = await request.app.state.records.client(client_id)
    if found is None:
        return 0
    practice_id, me = found[0].practice_id, reader_of(request)
    clause = await _visible(request, client_id, practice_id)

    def read(session: Session) -> int:
        mine = select(Thread.id).where(clause, Thread.client_id == client_id, Thread.practice_id == practice_id)
        return sum(count_unread(session, list(session.exec(mine)), me).values())

    number: int = await request.app.state.records.read(practice_id, read)
    return number


async def _visible(request: Request, client_id: str, practice_id: str) -> ColumnElement[bool]:
    client = request.state.client
    if client is not None and client.id == client_id:
        return await visible(request, "thread")
    properties = {"client_id": client_id}
    if request.state.reader.type is SubjectType.STAFF:
        properties["practice_id"] = practice_id
    plan = await request.app.state.authz.plan(asking(request), "view", "thread", properties)
    if plan.condition is False:
        return false()
    try:
        return where("thread", plan.condition)
    except UnknownConditionError as error:
        raise CannotDecide(f"the plan for thread cannot be used: {error}") from error


async def notice_unread(state: Any) -> int:
    """Tell whoever has not read a message for a quarter of an hour, once until they read; returns how many."""
    store, before = state.records, state.clock() - UNREAD
    practices = await store.read(None, lambda session: list(session.exec(select(Practice.id))))
    told = 0
    for practice_id in practices:
        if await store.read(practice_id, partial(_waiting, practice_id=practice_id, before=before)):
            told += await store.change(practice_id, partial(_tell, practice_id=practice_id, before=before))
    return told


def _waiting(session: Session, practice_id: str, before: datetime) -> list[tuple[MessageRead, Thread]]:
    """Who has unread messages of others older than `before`, and has not been told since they last read."""
    unread_since = (
        select(Message.id)
        .where(
            Message.thread_id == MessageRead.thread_id,
            Message.number > MessageRead.up_to,
            Message.sent_at <= before,
            or_(col(Message.from_type) != MessageRead.reader_type, col(Message.from_id) != MessageRead.reader_id),
        )
        .exists()
    )
    chosen = (
        select(MessageRead, Thread)
        .join(Thread, col(Thread.id) == MessageRead.thread_id)
        .where(Thread.practice_id == practice_id, MessageRead.noticed <= MessageRead.up_to, unread_since)
        .order_by(col(Thread.id))
    )
    return list(session.exec(chosen).all())


def _tell(session: Session, practice_id: str, before: datetime) -> int:
    told = 0
    for read, thread in _waiting(session, practice_id, before):
        # The mark is set only where none stood since the last reading: of two that look at once, one tells.
        marked = session.execute(
            update(MessageRead)
            .where(
                and_(
                    col(MessageRead.thread_id) == read.thread_id,
                    col(MessageRead.reader_type) == read.reader_type,
                    col(MessageRead.reader_id) == read.reader_id,
                    col(MessageRead.noticed) <= MessageRead.up_to,
                )
            )
            .values(noticed=thread.last_number)
            .execution_options(synchronize_session=False)
        )
        if marked.rowcount:  # type: ignore[attr-defined]
            _notify(session, read, thread)
            told += 1
    return told


def _notify(session: Session, read: MessageRead, thread: Thread) -> None:
    if read.reader_type == SubjectType.STAFF.value:
        notify_staff(
            session,
            Event.MESSAGE,
            practice_id=thread.practice_id,
            client_id=thread.client_id,
            staff=[read.reader_id],
            path=f"/admin/clients/{thread.client_id}/messages/{thread.id}",
        )
        return
    notify(
        session,
        Event.MESSAGE,
        practice_id=thread.practice_id,
        client_id=thread.client_id,
        item=("thread", thread.id),
        path=f"/c/{thread.client_id}/messages/{thread.id}",
        accounts=[read.reader_id],
    )
