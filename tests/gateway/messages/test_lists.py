"""The list is the filter of the check: for whatever participants, in the list, in the count, and in files."""

from __future__ import annotations

import os
import random
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.edge.authz_client import Asking, Question
from gateway.edge.reader import Reader
from gateway.portal.messages.unread import unread
from gateway.records.store import properties_of
from models.tables.messages import Message, MessageRead
from models.tables.records import Thread
from models.vocabulary import SubjectType
from tests.conftest import FROZEN
from tests.gateway.messages.test_threads import key_on, write

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio
CASES = 60 + int(os.environ.get("KINGUARD_CASES", "0")) // 1000
ACCOUNTS = ("rosa", "dana", "sam", "leo", "tom", "ada")
STAFF = ("ken", "lea", "jo", "priya", "sky")
CLIENTS = ("rosa", "mia", "leo", "arlo", "dana")
_FAMILY = re.compile(r'href="/c/[^/]+/messages/(rnd_[^"?]+)"')
_INBOX = re.compile(r'href="/admin/clients/[^/]+/messages/(rnd_[^"?]+)"')
_NEXT = re.compile(r'href="([^"]+)" rel="next"')


def random_threads(chance: random.Random) -> list[Thread]:
    return [
        Thread(
            id=f"rnd_{number}",
            practice_id="northgate",
            client_id=chance.choice(CLIENTS),
            provider_id=chance.choice([*STAFF, None]),
            participant_ids=chance.sample([*ACCOUNTS, *STAFF], chance.randint(0, 4)),
            subject=f"Random {number}",
            last_number=1,
            last_at=FROZEN,
        )
        for number in range(CASES)
    ]


def first_message(thread: Thread) -> list[Message | MessageRead]:
    """One message of somebody else, which nobody has read."""
    message = Message(
        id=f"{thread.id}_1",
        practice_id="northgate",
        client_id=thread.client_id,
        thread_id=thread.id,
        number=1,
        from_type="staff",
        from_id="nobody",
        sent_at=FROZEN,
        text="Hello",
        key=thread.id,
    )
    reads = [
        MessageRead(
            thread_id=thread.id,
            reader_type="staff" if each in STAFF else "account",
            reader_id=each,
            practice_id="northgate",
        )
        for each in thread.participant_ids
    ]
    return [message, *reads]


async def listed(browser: Any, path: str, pattern: re.Pattern[str]) -> tuple[int, set[str]]:
    """The status of a list, and the ids on all its pages."""
    ids: set[str] = set()
    status = 200
    while path:
        answer = await browser.get(path)
        status = answer.status_code
        ids |= set(pattern.findall(answer.text)) if status == 200 else set()
        found = _NEXT.search(answer.text) if status == 200 else None
        path = found[1] if found else ""
    return status, ids


async def test_lists_and_counts_are_what_single_questions_allow(site: Portal) -> None:
    """Random threads: each reader's list, and the number of unread messages, hold exactly the allowed ones."""
    threads = random_threads(random.Random(11))
    await site.state.records.change(
        "northgate",
        lambda session: session.add_all([row for thread in threads for row in (thread, *first_message(thread))]),
    )
    shown = 0
    for kind, names in ((SubjectType.ACCOUNT, ACCOUNTS), (SubjectType.STAFF, STAFF)):
        for name in names:
            asking = Asking({"type": kind.value, "id": name}, ("pwd",))
            extra = {"practice_id": "northgate"} if kind is SubjectType.STAFF else {}
            questions = [Question("view", "thread", row.id, properties_of("thread", row) | extra) for row in threads]
            answers = []
            for start in range(0, len(questions), 50):
                answers += await site.state.authz.evaluate_all(asking, questions[start : start + 50])
            allowed = {row.id: row.client_id for row, is_allowed in zip(threads, answers, strict=True) if is_allowed}
            shown += len(allowed)
            browser = await site.as_(name)
            if kind is SubjectType.STAFF:
                assert (await listed(browser, "/admin/messages", _INBOX))[1] == set(allowed), name
                continue
            reader = Reader(kind, name, name, None, None, ("pwd",))
            request: Any = SimpleNamespace(app=site.app._app, state=SimpleNamespace(reader=reader, client=None))
            for client in CLIENTS:
                own = {thread for thread, about in allowed.items() if about == client}
                status, found = await listed(browser, f"/c/{client}/messages", _FAMILY)
                assert found == own, (name, client, status)
                seeded = 1 if (name, client) == ("dana", "mia") else 0
                assert await unread(request, client) == len(own) + seeded, (name, client)
    assert shown > CASES // 6


async def test_a_file_opens_for_the_participants_and_under_its_own_thread_only(site: Portal) -> None:
    """Dana attaches a text; Ken opens it; under another thread, for others, and by guessing there is none."""
    dana, path = await site.as_("dana"), "/c/mia/messages/thr_dana_ken"
    sent = await dana.http.post(
        path,
        data={"csrf": await dana.token(path), "key": await key_on(dana, path), "text": "The list"},
        files={"file": ("list of cards.txt", b"blue, green", "text/plain")},
    )
    assert sent.status_code == 303
    found = re.search(rf'href="({path}/files/([^"]+))"', (await dana.get(path)).text)
    assert found
    link, file_id = found[1], found[2]
    answer = await dana.get(link)
    assert (answer.status_code, answer.text) == (200, "blue, green")
    assert answer.headers["content-disposition"].startswith("attachment;")
    ken = await site.as_("ken")
    assert (await ken.get(f"/admin/clients/mia/messages/thr_dana_ken/files/{file_id}")).text == "blue, green"
    assert (await ken.get(f"/admin/clients/rosa/messages/thr_rosa_ken/files/{file_id}")).status_code == 404
    assert (await (await site.as_("sam")).get(link)).status_code in {403, 404}
    assert (await (await site.as_("rosa")).get(f"/c/rosa/messages/thr_rosa_ken/files/{file_id}")).status_code == 404
    assert (await dana.get(f"{path}/files/{'0' * 32}")).status_code == 404


async def test_a_file_that_is_not_taken_keeps_the_draft(site: Portal) -> None:
    """A program is refused in words beside the field; the text is still there, and nothing was sent."""
    dana, path = await site.as_("dana"), "/c/mia/messages/thr_dana_ken"
    refused = await dana.http.post(
        path,
        data={"csrf": await dana.token(path), "key": await key_on(dana, path), "text": "With a program"},
        files={"file": ("run.exe", b"MZ", "application/octet-stream")},
    )
    assert refused.status_code == 422
    assert "Files of this kind are not taken." in refused.text
    assert "With a program</textarea>" in refused.text
    assert "With a program" not in (await dana.get("/c/mia/messages")).text


async def test_two_tabs_each_send_their_own(site: Portal) -> None:
    """Two open forms, for two children even, each send to the thread on their own page."""
    dana = await site.as_("dana")
    mia, own = "/c/mia/messages/thr_dana_ken", "/c/dana/messages/new"
    first, second = await key_on(dana, mia), await key_on(dana, own)
    sent = await dana.post(own, {"key": second, "to": "ken", "subject": "About me", "text": "For me"}, own)
    assert sent.status_code == 303
    assert (await dana.post(mia, {"key": first, "text": "For Mia"}, mia)).status_code == 303
    assert "For Mia" not in (await dana.get(sent.headers["location"])).text
    assert "For me" not in (await dana.get(mia)).text
    assert (await write(dana, mia, "And again")).status_code == 303
