"""A feature switched off and on again in the console while many read what it opens, and what they were shown."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

READERS = 32
FLIPS = 4
JUDGED = READERS  # answers to requests that began after a flip, before the next one is made
READ = "/c/mia/documents/doc_mia_school"  # sam's, as long as his documents are on
SWITCHED = "/admin/clients/mia/grants/g_sam_mia"
_FIELD = re.compile(r'<input[^>]*name="(csrf|etag|seen)"[^>]*value="([^"]*)"')
# 404: switched off between the two questions of one page, so that its item is refused.
_DENIED = {403, 404}
_TELLING = {200, *_DENIED}
_ANSWERS = _TELLING | {503}  # too late to be decided, so nothing is shown
_PATIENCE_SECONDS = 120.0  # in which that many answers come, on any machine


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer: when it was asked for and when it had come, on the monotonic clock."""

    asked: float
    answered: float
    status: int


@dataclass(frozen=True, slots=True)
class Flip:
    """One save in the console: when it was sent, and when its acknowledgement had come."""

    on: bool
    sent: float
    acknowledged: float


async def flipped(readers: Sequence[httpx.AsyncClient], administrator: httpx.AsyncClient) -> list[str]:
    """Every answer that an acknowledged flip forbids, in words; empty when the promise holds."""
    shown: list[Shown] = []
    over = asyncio.Event()
    reading = [asyncio.create_task(_read(reader, shown, over)) for reader in readers]
    flips = []
    try:
        for number in range(FLIPS):
            flips.append(await _flip(administrator, on=bool(number % 2)))
            await _enough_after(flips[-1], shown)
    finally:
        over.set()
        await asyncio.gather(*reading)
    return _broken(shown, flips)


async def _enough_after(flip: Flip, shown: list[Shown]) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while sum(each.asked > flip.acknowledged and each.status in _TELLING for each in shown) < JUDGED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _read(reader: httpx.AsyncClient, shown: list[Shown], over: asyncio.Event) -> None:
    while not over.is_set():
        asked = time.monotonic()
        answer = await reader.get(READ)
        shown.append(Shown(asked, time.monotonic(), answer.status_code))


async def _flip(administrator: httpx.AsyncClient, *, on: bool) -> Flip:
    """Save until it is acknowledged: under this load the service may be late, and what is late is refused."""
    sent = time.monotonic()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (status := await _save(administrator, on=on)) != 303:
            assert status == 503, status
    return Flip(on, sent, time.monotonic())


async def _save(administrator: httpx.AsyncClient, *, on: bool) -> int:
    page = await administrator.get(SWITCHED)
    if page.status_code != 200:
        return page.status_code
    fields: dict[str, list[str]] = {"csrf": [], "etag": [], "seen": []}
    for name, value in _FIELD.findall(page.text):
        fields[name].append(value)
    features = {feature: state for feature, _, state in (seen.partition("=") for seen in fields["seen"])}
    assert "documents" in features, page.text
    features["documents"] = "on" if on else "off"
    form = {
        "csrf": fields["csrf"][0],
        "etag": fields["etag"][0],
        "seen": fields["seen"],
        "on": [feature for feature, state in features.items() if state == "on"],
    }
    return (await administrator.post(SWITCHED, data=form)).status_code


def _broken(shown: list[Shown], flips: list[Flip]) -> list[str]:
    assert {answer.status for answer in shown} <= _ANSWERS, sorted({answer.status for answer in shown})
    broken = []
    for number, flip in enumerate(flips):
        until = flips[number + 1].sent if number + 1 < len(flips) else float("inf")
        between = [answer for answer in shown if answer.asked > flip.acknowledged and answer.answered < until]
        wrong = _DENIED if flip.on else {200}
        broken += [
            f"{1000 * (answer.asked - flip.acknowledged):.1f} ms after flip {number} to {flip.on}: {answer.status}"
            for answer in between
            if answer.status in wrong
        ]
    return broken
