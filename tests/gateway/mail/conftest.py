"""A queue of mails on each of the two databases, without the cast's own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import Session, select

from gateway.mail.delivery import practices
from gateway.mail.post import Letter, post
from gateway.settings import Settings
from models.tables.mail import Mail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.records.store import RecordsStore
    from tests.conftest import StandingClock


class Queue:
    """The queue, and the state that its beats get."""

    def __init__(self, store: RecordsStore, clock: StandingClock, folder: Path) -> None:
        self.clock, self.folder = clock, folder
        self.state: Any = SimpleNamespace(records=store, clock=clock, settings=Settings(data_dir=folder))

    def send_by(self, url: str) -> None:
        self.state.settings = Settings(
            data_dir=self.folder, smtp_url=url, mail_from="Portál Northgate <portal@northgate.example>"
        )

    async def post(self, to: str, subject: str = "Hello", practice_id: str | None = "northgate", **more: Any) -> None:
        mail = Letter(to=to, subject=subject, text="Good day\n", **more)
        await self.state.records.change(practice_id, lambda session: post(session, mail, practice_id=practice_id))

    async def rows(self, practice_id: str | None = "northgate") -> list[Mail]:
        def read(session: Session) -> list[Mail]:
            return list(session.exec(select(Mail).where(Mail.practice_id == practice_id).order_by(Mail.id)))

        found: list[Mail] = await self.state.records.read(practice_id, read)
        return found


@pytest.fixture
async def queue(store: RecordsStore, clock: StandingClock, tmp_path: Path) -> AsyncIterator[Queue]:
    made = Queue(store, clock, tmp_path)
    kept = {practice_id: await _empty(made, practice_id) for practice_id in await practices(made.state)}
    yield made
    for practice_id, rows in kept.items():
        await _empty(made, practice_id)
        await store.change(practice_id, lambda session, rows=rows: [session.add(Mail(**row)) for row in rows])


async def _empty(queue: Queue, practice_id: str | None) -> list[dict[str, Any]]:
    rows = await queue.rows(practice_id)
    await queue.state.records.change(practice_id, lambda session: [session.delete(row) for row in rows])
    return [row.model_dump() for row in rows]
