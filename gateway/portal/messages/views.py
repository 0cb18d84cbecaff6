"""Threads and messages in words, for families and for staff alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from gateway.edge.viewing import viewing_of
from gateway.portal.messages.conversations import (
    Draft,
    KeyUsedError,
    Opening,
    Party,
    Stretch,
    add_message,
    begin_thread,
    count_unread,
    mark_read,
    read_files,
    read_last,
    read_stretch,
    read_up_to,
)
from gateway.portal.messages.texts import Problem, first_line, read_typed
from gateway.records.files import UploadRefused
from gateway.web.formats import clock_time, day
from gateway.web.language import _
from gateway.web.once import new_key
from models.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.portal.messages.texts import Typed
    from models.tables.messages import Message
    from models.tables.records import Thread
    from models.vocabulary import SubjectType


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread in a list. `about` is the client, on the practice's pages only."""

    href: str
    subject: str
    who: str
    about: str
    line: str
    when: str
    iso: str
    unread: int


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that came with a message."""

    name: str
    size: str
    href: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message; `opens_news` marks the first that the reader had not read."""

    number: int
    who: str
    mine: bool
    text: str
    when: str
    iso: str
    opens_news: bool
    file: FileView | None


@dataclass(frozen=True, slots=True)
class ThreadView:
    """A stretch of a thread, with links to its neighbours."""

    subject: str
    messages: tuple[MessageView, ...]
    earlier: str | None
    later: str | None


def reader_of(request: Request) -> Party:
    """The reader as a party of threads."""
    return Party(request.state.reader.type, request.state.reader.id)


def asked_before(request: Request) -> int | None:
    """The number before which messages are asked for; None for the newest."""
    asked = request.query_params.get("before", "")
    return whole(asked)


async def thread_rows(
    request: Request, threads: Sequence[tuple[Thread, str, str, str]], zone: ZoneInfo
) -> list[ThreadRow]:
    """Threads, each with its address, with whom it is and about whom, in words."""
    me, ids = reader_of(request), [thread.id for thread, *_rest in threads]

    def read(session: Session) -> tuple[dict[str, Message], dict[str, int]]:
        return read_last(session, ids), count_unread(session, ids, me)

    last, unread = await request.app.state.records.read(_practice_id(request), read) if ids else ({}, {})
    return [
        ThreadRow(
            href=href,
            subject=thread.subject,
            who=who,
            about=about,
            line=_line(last[thread.id], me) if thread.id in last else "",
            when=moment(thread.last_at, zone),
            iso=thread.last_at.isoformat(),
            unread=unread.get(thread.id, 0),
        )
        for thread, href, who, about in threads
    ]


async def open_thread(request: Request, href: str, names: Mapping[str, str], zone: ZoneInfo) -> ThreadView:
    """The stretch of the thread that is asked for; having been shown, it counts as read."""
    thread: Thread = request.state.item
    me, store = reader_of(request), request.app.state.records
    before = asked_before(request)

    def read(session: Session) -> tuple[Stretch, int, dict[str, tuple[str, int]]]:
        stretch = read_stretch(session, thread, before)
        return stretch, read_up_to(session, thread, me), read_files(session, stretch.messages)

    stretch, seen, files = await store.read(thread.practice_id, read)
    looks = viewing_of(request) is not None  # A look by staff is not the family's reading.
    if request.method == "GET" and not looks and stretch.messages and stretch.messages[-1].number > seen:
        last = stretch.messages[-1].number
        await store.change(thread.practice_id, partial(mark_read, thread=thread, reader=me, up_to=last))
    news = next((each.number for each in stretch.messages if each.number > seen and not _is_mine(each, me)), None)
    return ThreadView(
        subject=thread.subject,
        messages=tuple(
            MessageView(
                number=each.number,
                who=_("You") if _is_mine(each, me) else names.get(each.from_id, _("Someone who has left")),
                mine=_is_mine(each, me),
                text=each.text,
                when=moment(each.sent_at, zone),
                iso=each.sent_at.isoformat(),
                opens_news=each.number == news,
                file=_file(href, each, files),
            )
            for each in stretch.messages
        ),
        earlier=f"{href}?before={stretch.earlier}" if stretch.earlier else None,
        later=f"{href}?before={stretch.later}" if stretch.later else None,
    )


async def send_typed(request: Request) -> Message | Typed:
    """Send what the form of a thread holds: the message, or the form with what is wrong with it."""
    typed = await read_typed(request)
    if typed.problems:
        return typed
    thread, me = request.state.item, reader_of(request)
    draft = Draft(typed.text, typed.key, typed.upload)
    try:
        return await add_message(request.app.state.records, thread, me, draft, request.app.state.clock())
    except (KeyUsedError, UploadRefused) as error:
        return refused(typed, error)


async def start_typed(request: Request, kind: SubjectType, allowed: Collection[str]) -> Message | Typed:
    """Begin the thread that the form holds with one of those `allowed`: its message, or the form with what is wrong."""
    typed = await read_typed(request, with_subject=True)
    if typed.to not in allowed:
        typed = replace(typed, problems=(Problem("to", _("Please choose whom you write to.")), *typed.problems))
    if typed.problems:
        return typed
    client = request.state.client
    opening = Opening(client.practice_id, client.id, typed.subject, reader_of(request), Party(kind, typed.to))
    draft = Draft(typed.text, typed.key, typed.upload)
    try:
        return await begin_thread(request.app.state.records, opening, draft, request.app.state.clock())
    except (KeyUsedError, UploadRefused) as error:
        return refused(typed, error)


def refused(typed: Typed, error: KeyUsedError | UploadRefused) -> Typed:
    """The form again, with a fresh key and the reason why nothing was sent."""
    if isinstance(error, UploadRefused):
        return _with(typed, Problem("file", str(error)))
    sentence = _("This form was sent once already, with other words. If this is something new, send it again.")
    return _with(typed, Problem("text", sentence))


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """June 9, 2026, 7:30 pm."""
    local = instant.astimezone(zone)
    return f"{day(local.date())}, {clock_time(local)}"


def _with(typed: Typed, problem: Problem) -> Typed:
    return type(typed)(key=new_key(), to=typed.to, subject=typed.subject, text=typed.text, problems=(problem,))


def _line(message: Message, me: Party) -> str:
    line = first_line(message.text)
    return _("You: %(line)s", line=line) if _is_mine(message, me) else line


def _is_mine(message: Message, me: Party) -> bool:
    return (message.from_type, message.from_id) == (me.type.value, me.id)


def _file(href: str, message: Message, files: Mapping[str, tuple[str, int]]) -> FileView | None:
    if message.file_id is None or message.file_id not in files:
        return None
    name, size = files[message.file_id]
    return FileView(name, _size(size), f"{href}/files/{message.file_id}")


def _size(size: int) -> str:
    return f"{max(1, round(size / 1024)):,} KB" if size < 1024 * 1024 else f"{size / (1024 * 1024):.1f} MB"


def _practice_id(request: Request) -> str:
    practice_id: str = request.state.client.practice_id if request.state.client else request.state.reader.practice_id
    return practice_id
