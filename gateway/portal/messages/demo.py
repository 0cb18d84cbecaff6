"""The messages of the cast's threads, as the demo and the tests begin with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tables.messages import Message, MessageRead
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from models.tables.records import Thread
    from models.world import Item


def demo_messages(entry: Item, thread: Thread) -> list[Message | MessageRead]:
    """The messages of a thread of the world, each read up to what its participant last wrote; completes the thread."""
    messages = [
        Message(
            id=f"{thread.id}_{number}",
            practice_id=thread.practice_id,
            client_id=thread.client_id,
            thread_id=thread.id,
            number=number,
            from_type=_type(thread, written["from"]),
            from_id=written["from"],
            sent_at=written["at"],
            text=written["text"],
            key=f"{thread.id}_{number}",
        )
        for number, written in enumerate(entry.display["messages"], 1)
    ]
    thread.last_number, thread.last_at = messages[-1].number, messages[-1].sent_at
    readings = [
        MessageRead(
            thread_id=thread.id,
            reader_type=_type(thread, reader),
            reader_id=reader,
            practice_id=thread.practice_id,
            up_to=max((message.number for message in messages if message.from_id == reader), default=0),
            noticed=thread.last_number,  # The demo begins without mail about old messages.
        )
        for reader in thread.participant_ids
    ]
    return [*messages, *readings]


def _type(thread: Thread, participant: str) -> SubjectType:
    return SubjectType.STAFF if participant == thread.provider_id else SubjectType.ACCOUNT
