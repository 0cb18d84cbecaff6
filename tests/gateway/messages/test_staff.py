"""The practice's side: staff read what they take part in, and write where the policy lets them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.gateway.messages.test_threads import write

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio
_LISTED = re.compile(r'href="/admin/clients/[^/]+/messages/(thr_[^"?]+)"')


async def test_each_finds_only_the_threads_they_take_part_in(site: Portal) -> None:
    """Ken has two, Lea one, Jo, who runs the practice, none; a reviewer has no inbox; nobody reads another's."""
    for name, listed in (("ken", {"thr_rosa_ken", "thr_dana_ken"}), ("lea", {"thr_leo_lea"}), ("jo", set())):
        answer = await (await site.as_(name)).get("/admin/messages")
        assert (answer.status_code, set(_LISTED.findall(answer.text))) == (200, listed), name
    assert (await (await site.as_("rex")).get("/admin/messages")).status_code == 403
    for name in ("jo", "priya", "lea", "hal"):
        status = (await (await site.as_(name)).get("/admin/clients/mia/messages/thr_dana_ken")).status_code
        assert status == 404, name


async def test_ken_answers_and_dana_reads_it(site: Portal) -> None:
    """What the therapist writes is unread for the family until the family opens the thread."""
    ken, dana = await site.as_("ken"), await site.as_("dana")
    await dana.get("/c/mia/messages/thr_dana_ken")
    assert " new</span>" not in (await dana.get("/c/mia/messages")).text
    path = "/admin/clients/mia/messages/thr_dana_ken"
    assert (await write(ken, path, "Bring the blue card too.")).status_code == 303
    listed = (await dana.get("/c/mia/messages")).text
    assert "1 new</span>" in listed
    assert "Bring the blue card too." in listed
    opened = (await dana.get("/c/mia/messages/thr_dana_ken")).text
    assert opened.count('class="talk-news"') == 1
    assert "1 new</span>" not in (await dana.get("/c/mia/messages")).text


async def test_jo_writes_to_anyone_who_can_read_it(site: Portal) -> None:
    """A subscribed administrator begins a thread with whoever has messages on (row Y25), and with nobody else."""
    jo, path = await site.as_("jo"), "/admin/clients/mia/messages/new"
    people = re.findall(r'<option value="([^"]+)"', (await jo.get(path)).text)
    assert people == ["dana"]  # Sam and Gus have no messages, Exa's access has ended.
    assert (await write(jo, path, "Hello", to="sam", subject="Hi")).status_code == 422
    begun = await write(jo, path, "Hello Dana", to="dana", subject="The summer program")
    assert begun.status_code == 303
    thread = begun.headers["location"].rsplit("/", 1)[-1]
    dana = await site.as_("dana")
    assert "Hello Dana" in (await dana.get(f"/c/mia/messages/{thread}")).text
    ken = await site.as_("ken")
    assert thread not in (await ken.get("/admin/messages")).text


async def test_who_may_not_begin_is_not_led_there(site: Portal) -> None:
    """Lea has no subscription: she reads, finds no button, and is told why she cannot answer."""
    lea = await site.as_("lea")
    assert 'href="/admin/messages/new"' not in (await lea.get("/admin/messages")).text
    assert (await lea.get("/admin/clients/leo/messages/new")).status_code == 403
    page = (await lea.get("/admin/clients/leo/messages/thr_leo_lea")).text
    assert "Answering needs a portal subscription." in page
    assert 'name="text"' not in page


async def test_staff_are_told_when_the_family_cannot_read_it(site: Portal) -> None:
    """With messages switched off for Dana, Ken's page says that she cannot read the conversation now."""
    ken, path = await site.as_("ken"), "/admin/clients/mia/messages/thr_dana_ken"
    assert "cannot read this conversation" not in (await ken.get(path)).text
    grant = await site.state.authz.grant("g_dana_mia")
    off = {"toggles": {"messages": False}}
    await site.state.authz.update_grant("g_dana_mia", off, etag=grant["etag"], actor="staff/jo")
    assert "Dana Novak cannot read this conversation at the moment" in (await ken.get(path)).text
