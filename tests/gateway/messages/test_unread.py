"""What is unread: counted for the reader alone, and told once after a quarter of an hour."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update
from sqlmodel import select

from gateway.edge.reader import Reader
from gateway.notices.telling import tell
from gateway.portal.messages import unread as unread_module
from gateway.portal.messages.unread import notice_unread, unread
from models.tables.mail import Mail
from models.tables.messages import MessageRead
from models.vocabulary import SubjectType
from tests.gateway.messages.test_threads import write

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio
DANA, KEN = "/c/mia/messages/thr_dana_ken", "/admin/clients/mia/messages/thr_dana_ken"


def asked_by(site: Portal, name: str) -> Any:
    """A request of an account, as far as the count needs one."""
    reader = Reader(SubjectType.ACCOUNT, name, name, None, None, ("pwd",))
    return SimpleNamespace(app=site.app._app, state=SimpleNamespace(reader=reader, client=None))


async def told(site: Portal) -> set[tuple[str, str]]:
    """Who has been told of something that they have not read since, in the thread of Dana and Ken."""

    def read(session: Any) -> list[MessageRead]:
        return list(session.exec(select(MessageRead).where(MessageRead.thread_id == "thr_dana_ken")))

    found = await site.state.records.read("northgate", read)
    return {(each.reader_type, each.reader_id) for each in found if each.noticed > each.up_to}


async def test_only_what_the_reader_may_see_is_counted(site: Portal) -> None:
    """Dana has one unread message about Mia; about Leo, whose thread is his own, none; Sam and Tom none at all."""
    counts = {
        (name, client): await unread(asked_by(site, name), client)
        for name, client in (("dana", "mia"), ("dana", "leo"), ("sam", "mia"), ("tom", "rosa"), ("leo", "leo"))
    }
    assert counts == {("dana", "mia"): 1, ("dana", "leo"): 0, ("sam", "mia"): 0, ("tom", "rosa"): 0, ("leo", "leo"): 0}
    assert await unread(asked_by(site, "dana"), "nobody") == 0
    grant = await site.state.authz.grant("g_dana_mia")
    off = {"toggles": {"messages": False}}
    await site.state.authz.update_grant("g_dana_mia", off, etag=grant["etag"], actor="staff/jo")
    assert await unread(asked_by(site, "dana"), "mia") == 0


async def test_a_message_unread_for_a_quarter_of_an_hour_is_told_once(site: Portal) -> None:
    """Not before fifteen minutes, then once, not again for what follows, and anew after it was read."""
    ken, dana = await site.as_("ken"), await site.as_("dana")
    await dana.get(DANA)
    await write(ken, KEN, "First")
    site.clock.advance(minutes=14)
    assert await notice_unread(site.state) == 0
    site.clock.advance(minutes=1)
    assert await notice_unread(site.state) == 1
    assert await told(site) == {("account", "dana")}
    await write(await site.as_("ken"), KEN, "Second")
    site.clock.advance(minutes=30)
    assert await notice_unread(site.state) == 0
    await (await site.as_("dana")).get(DANA)
    assert await told(site) == set()
    await write(await site.as_("ken"), KEN, "Third")
    site.clock.advance(minutes=15)
    assert await notice_unread(site.state) == 1


async def test_what_was_read_in_time_is_not_told_and_nobody_is_told_of_their_own(site: Portal) -> None:
    """Dana reads at once; her answer, unread for long, is told to Ken and not to her."""
    ken, dana = await site.as_("ken"), await site.as_("dana")
    await ken.get(KEN)
    await write(ken, KEN, "Hello")
    await dana.get(DANA)
    await write(dana, DANA, "Hello Ken")
    site.clock.advance(minutes=20)
    assert await notice_unread(site.state) == 1
    assert await told(site) == {("staff", "ken")}


async def test_two_processes_that_look_at_once_tell_once(site: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read that Dana is waiting; the mark lets one of them tell. With the mark wiped out both do."""
    ken, dana = await site.as_("ken"), await site.as_("dana")
    await dana.get(DANA)
    await write(ken, KEN, "First")
    site.clock.advance(minutes=15)
    before = site.clock() - unread_module.UNREAD
    records = site.state.records
    waiting = await records.read("northgate", partial(unread_module._waiting, practice_id="northgate", before=before))
    monkeypatch.setattr(unread_module, "_waiting", lambda *_args, **_named: waiting)  # Both looked before either wrote.
    tell = partial(unread_module._tell, practice_id="northgate", before=before)
    assert [await records.change("northgate", tell) for _ in range(2)] == [1, 0]

    def wipe(session: Any) -> None:
        session.execute(update(MessageRead).values(noticed=0))

    for _ in range(2):
        await records.change("northgate", wipe)
        assert await records.change("northgate", tell) == 1


async def test_the_mail_names_neither_the_thread_nor_the_child_nor_the_therapist(site: Portal) -> None:
    """What reaches Dana's mailbox says that there is a message, by her label for Mia, and where to read it."""
    ken, dana = await site.as_("ken"), await site.as_("dana")
    await dana.get(DANA)
    await write(ken, KEN, "About the tantrum on Friday")
    site.clock.advance(minutes=15)
    assert await notice_unread(site.state) == 1
    for _ in range(2):  # First who is told and when, then the mail.
        await tell(site.state)

    def read(session: Any) -> list[Mail]:
        return list(session.exec(select(Mail).where(Mail.recipient == "dana@mail.example")))

    found = await site.state.records.read("northgate", read)
    assert len(found) == 1
    if found[0].content is not None:  # Else the background has delivered it already.
        words = f"{found[0].content['subject']} {found[0].content['text']} {found[0].content['html']}"
        assert "/c/mia/messages/thr_dana_ken" in words
        for word in ("tantrum", "mornings", "Mia", "Novak", "Ken", "Abara"):
            assert word not in words, word
