"""What the trail is told of a change is written with it, and arrives: once, in order, whatever fails between."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlmodel import func, select

from gateway.edge.errors import CannotDecide
from gateway.records.events import enter_event
from models.tables.events import WaitingEvent
from models.trail_events import EVENTS
from tests.conftest import ROOT
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from sqlmodel import Session

pytestmark = pytest.mark.anyio
FEED = "/c/rosa/calendar/feed"
SUBSCRIBED = {"action": "calendar.subscribe", "actor": "account/rosa", "account_id": "rosa", "practice_id": "northgate"}


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


def break_trail(site: Portal, monkeypatch: pytest.MonkeyPatch, *, arrives: bool) -> None:
    """Let nothing more be added to the trail; or let it arrive, and the answer be lost."""
    passing = site.line.handle_async_request

    async def handle(request: httpx.Request) -> httpx.Response:
        if (request.method, request.url.path) != ("POST", "/v1/trail"):
            return await passing(request)
        if arrives:
            await passing(request)
        raise httpx.ReadError("the answer was lost")

    monkeypatch.setattr(site.line, "handle_async_request", handle)


async def told(site: Portal, action: str = "calendar.subscribe") -> list[dict[str, Any]]:
    found = await site.state.authz.ask("GET", f"/v1/trail?account=rosa&kind=event&action={action}")
    entries: list[dict[str, Any]] = found["entries"]
    return entries


def waiting(site: Portal, practice_id: str | None = None) -> int:
    with site.state.records.session(practice_id) as session:
        return int(session.exec(select(func.count()).select_from(WaitingEvent)).one())


async def test_an_event_is_in_the_trail_with_when_and_in_which_request_it_happened(site: Portal) -> None:
    rosa = await site.as_("rosa")
    done = await rosa.http.post(FEED, data={"csrf": await rosa.token(FEED)}, headers={"X-Request-ID": "the-click"})
    assert done.status_code == 200
    await site.state.outbox.carry_all()
    (entry,) = await told(site)
    assert entry["happened_at"] == "2026-06-15T19:00:00Z"
    assert (entry["subject"], entry["client_id"], entry["practice_id"]) == ("account/rosa", "rosa", "northgate")
    assert waiting(site) == 0


@pytest.mark.parametrize("arrives", [False, True], ids=["service-away", "answer-lost"])
async def test_an_event_arrives_later_and_once_when_the_service_fails_after_the_change(
    site: Portal, monkeypatch: pytest.MonkeyPatch, *, arrives: bool
) -> None:
    rosa = await site.as_("rosa")
    token = await rosa.token(FEED)
    with monkeypatch.context() as broken:
        break_trail(site, broken, arrives=arrives)
        assert (await rosa.http.post(FEED, data={"csrf": token})).status_code == 200
        for _again in range(2):
            with pytest.raises(CannotDecide):
                await site.state.outbox.carry_all()
        assert waiting(site) == 1
    await site.state.outbox.carry_all()
    assert waiting(site) == 0
    assert len(await told(site)) == 1


async def test_told_after_the_change_without_an_outbox_an_event_would_be_lost(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the change stands, and the trail never hears of it."""
    rosa = await site.as_("rosa")
    token = await rosa.token(FEED)
    monkeypatch.setattr("gateway.portal.schedule.feed.enter_event", lambda *_args, **_known: None)
    with monkeypatch.context() as broken:
        break_trail(site, broken, arrives=False)
        assert (await rosa.http.post(FEED, data={"csrf": token})).status_code == 200
        with pytest.raises(CannotDecide):
            await site.state.authz.record(SUBSCRIBED)
    await site.state.outbox.carry_all()
    assert await told(site) == []


async def test_a_change_that_fails_takes_its_event_with_it(site: Portal) -> None:
    def fail(session: Session) -> None:
        enter_event(session, SUBSCRIBED, at=site.clock())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await site.state.records.change("northgate", fail)
    assert waiting(site, "northgate") == 0


async def test_events_arrive_in_the_order_of_the_changes(site: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when there are more of them than one call takes."""
    arrived: list[int] = []

    async def record_all(events: list[dict[str, Any]]) -> None:
        arrived.extend(event["details"]["n"] for event in events)

    monkeypatch.setattr(site.state.authz, "record_all", record_all)

    def write(session: Session) -> None:
        for number in range(130):
            enter_event(session, SUBSCRIBED | {"details": {"n": number}}, at=site.clock())

    await site.state.records.change("northgate", write)
    await site.state.outbox.carry_all()
    assert arrived == list(range(130))


async def test_an_event_that_nobody_listed_undoes_its_change(site: Portal) -> None:
    for wrong in ({"action": "calendar.eaten"}, {**SUBSCRIBED, "note": "words"}):
        with pytest.raises(ValueError, match=r"trail_events|note"):
            await site.state.records.change(
                "northgate", lambda session, event=wrong: enter_event(session, event, at=site.clock())
            )
    assert waiting(site, "northgate") == 0


def named_in_code() -> Iterator[str]:
    """Every literal that stands where the name of an event does."""
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                given = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "action"]
            elif isinstance(node, ast.Call):
                given = node.args[:3]
            else:
                continue
            for value in given:
                for one in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        yield one.value


def test_every_event_of_the_code_is_listed_and_every_listed_one_is_documented() -> None:
    """One list: what is entered, what it says, and what the operator reads."""
    named = set(named_in_code())
    families = {name.partition(".")[0] for name in EVENTS if "." in name}
    alike = {name for name in named if re.fullmatch(rf"({'|'.join(families)})\.[a-z_.]+", name)}
    files = {name for name in alike if re.search(r"\.(html|txt|js|po)$", name)}
    assert alike - files <= EVENTS.keys()
    made = {name for name in EVENTS if name.startswith("sign_up.")}  # their last word is the decision's
    assert EVENTS.keys() - named <= made
    page = (ROOT / "docs" / "operations.md").read_text()
    missing = [row for name, says in EVENTS.items() if (row := f"| `{name}` | {says} |") not in page]
    assert not missing, "docs/operations.md, Events of the gateway, lacks:\n" + "\n".join(missing)
