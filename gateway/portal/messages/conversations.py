"""Threads and their messages in the records: begun, continued, read (rows W21, Y24, Y25).

Whoever calls has asked the authz service first. A form's one-time key makes sending idempotent: the database takes one
message for each key of a sender, whatever number of times the form arrives.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from gateway.records.files import Upload, keep_file
from gateway.records.store import outbox_entry
from models.tables.messages import Message, MessageRead
from models.tables.papers import StoredFile
from models.tables.records import Thread
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from gateway.records.store import RecordsStore

PAGE = 30  # messages


class KeyUsedError(Exception):
    """The form was sent before, with other words: nothing was written."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who takes part in a thread."""

    type: SubjectType
    id: str

    @property
    def actor(self) -> str:
        """As the trail and the keeper of a file name them."""
        return f"{self.type.value}/{self.id}"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be sent: checked text, the form's one-time key, and perhaps a file."""

    text: str
    key: str
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A thread to begin: about a client, written to `reader`. One of the two is staff, who is its provider."""

    practice_id: str
    client_id: str
    subject: str
    writer: Party
    reader: Party


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some messages that follow each other, oldest first, and the numbers at which the neighbours begin."""

    messages: tuple[Message, ...]
    earlier: int | None  # ask for the messages before this number
    later: int | None


def parties(thread: Thread) -> tuple[Party, ...]:
    """Who takes part. Of the participants, the provider is staff and everyone else an account."""
    return tuple(
        Party(SubjectType.STAFF if each == thread.provider_id else SubjectType.ACCOUNT, each)
        for each in thread.participant_ids
    )


async def begin_thread(store: RecordsStore, opening: Opening, draft: Draft, at: datetime) -> Message:
    """A new thread with its first message; that of the first time when the same form comes again.

    Raises KeyUsedError, UploadRefused.
    """
    people = (opening.writer, opening.reader)
    thread = Thread(
        id=f"thr_{secrets.token_hex(12)}",
        practice_id=opening.practice_id,
        client_id=opening.client_id,
        provider_id=next(each.id for each in people if each.type is SubjectType.STAFF),
        participant_ids=[each.id for each in people],
        subject=opening.subject,
        last_number=0,
        last_at=at,
    )

    def work(session: Session) -> Message:
        session.add(thread)
        session.add(outbox_entry("thread", thread))
        session.add_all(
            MessageRead(thread_id=thread.id, reader_type=each.type, reader_id=each.id, practice_id=thread.practice_id)
            for each in people
        )
        session.flush()
        return _add(session, thread, opening.writer, draft, at)

    return await _once(store, thread, opening.writer, draft, work)


async def add_message(store: RecordsStore, thread: Thread, sender: Party, draft: Draft, at: datetime) -> Message:
    """A further message of a thread; that of the first time when the same form comes again.

    Raises KeyUsedError, UploadRefused.
    """
    return await _once(store, thread, sender, draft, partial(_add, thread=thread, sender=sender, draft=draft, at=at))


async def _once(
    store: RecordsStore, thread: Thread, sender: Party, draft: Draft, work: Callable[[Session], Message]
) -> Message:
    """What `work` writes; when its key was used already, what was written then. The unique column is what decides."""
    try:
        return await store.change(thread.practice_id, work)
    except IntegrityError:
        found = await store.read(thread.practice_id, partial(_sent_with, sender=sender, key=draft.key))
        if found is None:
            raise
        message, there = found
        if (message.text, there.client_id, there.subject, there.participant_ids) != (
            draft.text,
            thread.client_id,
            thread.subject,
            thread.participant_ids,
        ):
            raise KeyUsedError from None
        return message


def _add(session: Session, thread: Thread, sender: Party, draft: Draft, at: datetime) -> Message:
    # The thread's row is the lock: numbers have no gaps and no doubles, however many write at once.
    number = session.execute(
        update(Thread)
        .where(col(Thread.id) == thread.id)
        .values(last_number=Thread.last_number + 1, last_at=at)
        .returning(col(Thread.last_number))
        .execution_options(synchronize_session=False)
    ).scalar_one()
    message = Message(
        id=f"msg_{secrets.token_hex(12)}",
        practice_id=thread.practice_id,
        client_id=thread.client_id,
        thread_id=thread.id,
        number=number,
        from_type=sender.type,
        from_id=sender.id,
        sent_at=at,
        text=draft.text,
        key=draft.key,
    )
    session.add(message)
    session.flush()
    if draft.upload is not None:
        message.file_id = keep_file(
            session, draft.upload, practice_id=thread.practice_id, client_id=thread.client_id, by=sender.actor
        )
    return message


def _sent_with(session: Session, sender: Party, key: str) -> tuple[Message, Thread] | None:
    chosen = (
        select(Message, Thread)
        .join(Thread, col(Thread.id) == Message.thread_id)
        .where(Message.from_type == sender.type, Message.from_id == sender.id, Message.key == key)
    )
    return session.exec(chosen).first()


def read_stretch(session: Session, thread: Thread, before: int | None) -> Stretch:
    """The newest messages of a thread, or the newest before a number."""
    chosen = select(Message).where(Message.thread_id == thread.id)
    if before is not None:
        chosen = chosen.where(Message.number < before)
    found = list(session.exec(chosen.order_by(col(Message.number).desc()).limit(PAGE)))[::-1]
    earlier = found[0].number if found and found[0].number > 1 else None
    later = found[-1].number + PAGE + 1 if found and before is not None and before <= thread.last_number else None
    return Stretch(tuple(found), earlier, later)


def read_last(session: Session, thread_ids: Sequence[str]) -> dict[str, Message]:
    """The newest message of each thread, by its id."""
    chosen = select(Message).join(
        Thread, (col(Thread.id) == Message.thread_id) & (col(Thread.last_number) == Message.number)
    )
    return {found.thread_id: found for found in session.exec(chosen.where(col(Message.thread_id).in_(thread_ids)))}


def count_unread(session: Session, thread_ids: Sequence[str], reader: Party) -> dict[str, int]:
    """How many messages of others the reader has not read, by thread; threads without any are left out."""
    chosen = (
        select(Message.thread_id, func.count())
        .outerjoin(
            MessageRead,
            (col(MessageRead.thread_id) == Message.thread_id)
            & (col(MessageRead.reader_type) == reader.type)
            & (col(MessageRead.reader_id) == reader.id),
        )
        .where(
            col(Message.thread_id).in_(thread_ids),
            Message.number > func.coalesce(MessageRead.up_to, 0),
            or_(col(Message.from_type) != reader.type, col(Message.from_id) != reader.id),
        )
        .group_by(col(Message.thread_id))
    )
    return dict(session.exec(chosen).all())


def mark_read(session: Session, thread: Thread, reader: Party, up_to: int) -> None:
    """Note how far the reader has come; it never goes back."""
    read = session.get(MessageRead, (thread.id, reader.type.value, reader.id), with_for_update=True)
    if read is not None and read.up_to < up_to:
        read.up_to = up_to


def read_up_to(session: Session, thread: Thread, reader: Party) -> int:
    """The number of the last message that the reader has read."""
    read = session.get(MessageRead, (thread.id, reader.type.value, reader.id))
    return 0 if read is None else read.up_to


def read_files(session: Session, messages: Iterable[Message]) -> dict[str, tuple[str, int]]:
    """Name and bytes of the files that came with messages, by the file's id."""
    wanted = [message.file_id for message in messages if message.file_id]
    chosen = select(StoredFile.id, StoredFile.name, StoredFile.size).where(col(StoredFile.id).in_(wanted))
    return {key: (name, size) for key, name, size in session.exec(chosen)} if wanted else {}


def has_file(session: Session, thread: Thread, file_id: str) -> bool:
    """Whether a message of the thread came with this file."""
    chosen = select(Message.id).where(Message.thread_id == thread.id, Message.file_id == file_id)
    return session.exec(chosen).first() is not None
