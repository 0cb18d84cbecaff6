"""Nothing of the database is left open by a request that was cut off."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from gateway.records.store import RecordsStore

if TYPE_CHECKING:
    from sqlmodel import Session

pytestmark = pytest.mark.anyio


async def test_closing_waits_for_what_a_cancelled_request_left_running(records_url: str) -> None:
    store = RecordsStore(records_url)
    begun, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    def slow(session: Session) -> None:
        session.connection()
        begun.set()
        go_on.wait(20)
        ended.append("transaction")

    request = asyncio.create_task(store.read("northgate", slow))
    await asyncio.to_thread(begun.wait, 20)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert ended == [], "the transaction goes on without its request"
    threading.Timer(0.2, go_on.set).start()
    store.close()
    assert ended == ["transaction"]
