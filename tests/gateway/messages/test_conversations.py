"""Messages in the records, on both databases: a form counts once, numbers have no gaps, old messages move over."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, text, update
from sqlmodel import col, select

from gateway.portal.messages.conversations import (
    PAGE,
    Draft,
    KeyUsedError,
    Opening,
    Party,
    add_message,
    begin_thread,
    count_unread,
    read_stretch,
)
from gateway.records.database import MIGRATIONS, open_engine
from gateway.records.store import RecordsStore
from models.tables.messages import Message, MessageRead
from models.tables.records import Outbox, Thread
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 6, 15, 19, tzinfo=UTC)
DANA, KEN = Party(SubjectType.ACCOUNT, "dana"), Party(SubjectType.STAFF, "ken")
KEY = "0" * 32
CAST = ("thr_dana_ken", "thr_rosa_ken", "thr_leo_lea")
TOGETHER = 8


@pytest.fixture
async def records(store: RecordsStore) -> AsyncIterator[RecordsStore]:
    """The cast's records; whatever a test adds about Mia is gone afterwards."""
    yield store

    def forget(session: Any) -> None:
        session.execute(delete(Message).where(col(Message.client_id) == "mia", col(Message.sent_at) == NOW))
        session.execute(delete(MessageRead).where(col(MessageRead.thread_id).not_in(CAST)))
        session.execute(delete(Thread).where(col(Thread.id).not_in(CAST)))
        session.execute(update(Thread).where(col(Thread.id) == "thr_dana_ken").values(last_number=4))
        session.execute(delete(Outbox).where(col(Outbox.type) == "thread", col(Outbox.id).not_in(CAST)))

    await store.change("northgate", forget)


async def thread_of(store: RecordsStore) -> Thread:
    found = await store.item(Thread, "northgate", "mia", "thr_dana_ken")
    assert found is not None
    return found


async def numbers(store: RecordsStore) -> list[int]:
    def read(session: Any) -> list[int]:
        return list(
            session.exec(
                select(Message.number).where(Message.thread_id == "thr_dana_ken").order_by(col(Message.number))
            )
        )

    return await store.read("northgate", read)


async def test_a_form_sent_many_times_at_once_is_one_message(records: RecordsStore) -> None:
    """Eight arrivals of one form give one message, and all are told of it; other words under its key are refused."""
    thread = await thread_of(records)
    sends = [add_message(records, thread, DANA, Draft("Once", KEY), NOW) for _ in range(TOGETHER)]
    sent = await asyncio.gather(*sends)
    assert {each.number for each in sent} == {5}
    assert await numbers(records) == [1, 2, 3, 4, 5]
    with pytest.raises(KeyUsedError):
        await add_message(records, thread, DANA, Draft("Other words", KEY), NOW)
    assert (await add_message(records, thread, KEN, Draft("Once", KEY), NOW)).number == 6  # Keys are each sender's own.


async def test_without_the_unique_key_it_would_be_many(tmp_path: Path, seeded_sqlite: Path) -> None:
    """The control: with the constraint taken out of the database, every arrival is a message."""
    path = tmp_path / "records.db"
    shutil.copy(seeded_sqlite, path)
    store = RecordsStore(f"sqlite:///{path}")
    with store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare AS SELECT * FROM message"))
        connection.execute(text("DROP TABLE message"))
        connection.execute(text("ALTER TABLE bare RENAME TO message"))
    thread = await thread_of(store)
    await asyncio.gather(*(add_message(store, thread, DANA, Draft("Once", KEY), NOW) for _ in range(TOGETHER)))
    assert len(await numbers(store)) == 4 + TOGETHER
    store.close()


async def test_messages_that_arrive_together_are_numbered_without_gaps(records: RecordsStore) -> None:
    """Several tabs and both sides write at once: each message has the next number."""
    thread = await thread_of(records)
    sends = [
        add_message(records, thread, (DANA, KEN)[place % 2], Draft(f"Message {place}", f"{place:032x}"), NOW)
        for place in range(TOGETHER)
    ]
    sent = await asyncio.gather(*sends)
    assert sorted(each.number for each in sent) == list(range(5, 5 + TOGETHER))
    assert (await thread_of(records)).last_number == 4 + TOGETHER


async def test_a_thread_begun_twice_by_one_form_is_one_thread(records: RecordsStore) -> None:
    """A thread, its first message and the registration of its facts are written together, once."""
    opening = Opening("northgate", "mia", "A new matter", DANA, KEN)
    begun = await asyncio.gather(*(begin_thread(records, opening, Draft("Hello", KEY), NOW) for _ in range(4)))
    (thread_id,) = {each.thread_id for each in begun}

    def read(session: Any) -> tuple[list[Thread], list[Outbox], dict[str, int]]:
        threads = list(session.exec(select(Thread).where(Thread.client_id == "mia", Thread.subject == "A new matter")))
        facts = list(session.exec(select(Outbox).where(Outbox.id == thread_id)))
        return threads, facts, count_unread(session, [thread_id], KEN)

    threads, facts, unread = await records.read("northgate", read)
    assert [thread.participant_ids for thread in threads] == [["dana", "ken"]]
    assert [entry.properties for entry in facts] == [
        {"client_id": "mia", "provider_id": "ken", "participant_ids": ["dana", "ken"]}
    ]
    assert unread == {thread_id: 1}
    with pytest.raises(KeyUsedError):
        await begin_thread(records, Opening("northgate", "mia", "Another", DANA, KEN), Draft("Hello", KEY), NOW)


async def test_a_long_thread_is_read_from_its_end_and_every_message_once(records: RecordsStore) -> None:
    """Going back by the links shows each message once, and going forward again as well."""
    thread = await thread_of(records)
    for place in range(2 * PAGE):
        await add_message(records, thread, KEN, Draft(f"Message {place}", f"{place:032x}"), NOW)
    thread = await thread_of(records)
    seen: list[int] = []
    before: int | None = None
    while True:
        stretch = await records.read("northgate", partial(read_stretch, thread=thread, before=before))
        seen = [message.number for message in stretch.messages] + seen
        if stretch.earlier is None:
            break
        before = stretch.earlier
    assert seen == list(range(1, thread.last_number + 1))
    forward = await records.read("northgate", lambda session: read_stretch(session, thread, stretch.later))
    assert forward.messages[0].number == stretch.messages[-1].number + 1


def test_messages_move_into_their_own_table_and_back(tmp_path: Path) -> None:
    """What a thread held as one column becomes rows, read by everyone who takes part; a step back restores it."""
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    old = [
        {"from": "dana", "at": "2026-06-09T19:30:00Z", "text": "Hello"},
        {"from": "ken", "at": "2026-06-10T09:05:00Z", "text": "Good morning"},
    ]
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        connection.exec_driver_sql("INSERT INTO practice (id, name, zone, letterhead) VALUES ('p', 'P', 'UTC', '{}')")
        connection.exec_driver_sql(
            "INSERT INTO thread (id, practice_id, client_id, provider_id, participant_ids, subject, messages)"
            """ VALUES ('t', 'p', 'mia', 'ken', '["dana", "ken"]', 'S', ?)""",
            (json.dumps(old),),
        )
        command.upgrade(config, "0009")
        rows = connection.exec_driver_sql("SELECT number, from_type, from_id, text FROM message ORDER BY number").all()
        assert [tuple(row) for row in rows] == [(1, "account", "dana", "Hello"), (2, "staff", "ken", "Good morning")]
        read = connection.exec_driver_sql("SELECT reader_type, reader_id, up_to FROM message_read ORDER BY 1").all()
        assert [tuple(row) for row in read] == [("account", "dana", 2), ("staff", "ken", 2)]
        assert connection.exec_driver_sql("SELECT last_number, last_at FROM thread").one()[0] == 2
        command.downgrade(config, "0008")
        assert json.loads(connection.exec_driver_sql("SELECT messages FROM thread").scalar_one()) == old
    engine.dispose()
