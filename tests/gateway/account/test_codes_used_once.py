"""On both databases a code is used by one transaction, whoever sends it how often at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from sqlmodel import delete

from gateway.account.sealing import Seal
from gateway.account.second_factor import (
    STEP_SECONDS,
    add_app,
    factors_of,
    new_recovery_codes,
    step_of,
    use_code,
    use_recovery_code,
)
from models.tables.second_factor import AuthenticatorApp, RecoveryCode
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlmodel import Session

    from gateway.records.store import RecordsStore
    from tests.conftest import StandingClock

pytestmark = pytest.mark.anyio
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
ROSA = (SubjectType.ACCOUNT, "rosa")
AT_ONCE = 8


@pytest.fixture
def seal() -> Seal:
    return Seal(b"s" * 32)


@pytest.fixture
async def codes(store: RecordsStore, seal: Seal, standing_clock: StandingClock) -> AsyncIterator[list[str]]:
    """Rosa has an app and recovery codes; afterwards she has not."""

    def set_up(session: Session) -> list[str]:
        add_app(session, seal, ROSA, (SECRET, 0), standing_clock())
        return new_recovery_codes(session, seal, ROSA)

    def clear(session: Session) -> None:
        for table in (AuthenticatorApp, RecoveryCode):
            session.exec(delete(table))

    yield await store.change(None, set_up)
    await store.change(None, clear)


async def all_at_once(store: RecordsStore, use: Callable[[Session], bool]) -> int:
    """How many of them were let in."""
    return sum(await asyncio.gather(*(store.change(None, use) for _ in range(AT_ONCE))))


async def test_one_code_of_the_app_lets_one_in(
    store: RecordsStore, codes: list[str], seal: Seal, standing_clock: StandingClock
) -> None:
    now = standing_clock()
    code = pyotp.TOTP(SECRET).at(int(now.timestamp()))
    assert await all_at_once(store, lambda session: use_code(session, seal, ROSA, code, now)) == 1
    standing_clock.advance(seconds=STEP_SECONDS)
    assert not await store.change(None, lambda session: use_code(session, seal, ROSA, code, standing_clock()))


async def test_one_recovery_code_lets_one_in(
    store: RecordsStore, codes: list[str], seal: Seal, standing_clock: StandingClock
) -> None:
    now = standing_clock()
    assert await all_at_once(store, lambda session: use_recovery_code(session, seal, ROSA, codes[0], now)) == 1
    left = await store.read(None, lambda session: factors_of(session, ROSA).recovery_codes)
    assert left == len(codes) - 1


async def test_reading_first_and_writing_then_lets_more_in(
    store: RecordsStore, codes: list[str], seal: Seal, standing_clock: StandingClock
) -> None:
    """The control: without the condition in the update itself, several transactions find the code unused."""
    now = standing_clock()
    code = pyotp.TOTP(SECRET).at(int(now.timestamp()))
    barrier = asyncio.Barrier(AT_ONCE)

    def look(session: Session) -> int | None:
        app: Any = session.get(AuthenticatorApp, (ROSA[0].value, ROSA[1]))
        step = step_of(SECRET, code, now)
        return step if step is not None and app.last_step < step else None

    def note(session: Session, step: int) -> None:
        app: Any = session.get(AuthenticatorApp, (ROSA[0].value, ROSA[1]))
        app.last_step = step

    async def one() -> bool:
        step = await store.read(None, look)
        await barrier.wait()
        if step is None:
            return False
        await store.change(None, lambda session: note(session, step))
        return True

    assert sum(await asyncio.gather(*(one() for _ in range(AT_ONCE)))) == AT_ONCE
