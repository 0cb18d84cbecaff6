"""When an account last opened a client's portal: told to the client's practice, which learns of no other sign-in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from models.tables.getting_in import PortalVisit
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.records.store import RecordsStore

EVERY = timedelta(minutes=15)  # a visit is written down that often at most, in each process
KNOWN_MAX = 10_000


class Visits:
    """Notes visits, and remembers which were noted a short while ago."""

    def __init__(self, records: RecordsStore, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock
        self._noted: dict[tuple[str, str], datetime] = {}

    async def note(self, request: Request) -> None:
        """Note that the reader, of a family, may open a page of the client in view, and does."""
        reader, client = request.state.reader, request.state.client
        if client is None or reader.type is not SubjectType.ACCOUNT:
            return
        key, now = (client.id, reader.id), self._clock()
        last = self._noted.get(key)
        if last is not None and last <= now < last + EVERY:
            return
        if len(self._noted) >= KNOWN_MAX:
            self._noted.clear()
        self._noted[key] = now
        visit = PortalVisit(client_id=client.id, account_id=reader.id, practice_id=client.practice_id, last_at=now)

        def write(session: Session) -> None:
            session.merge(visit)

        await self._records.change(client.practice_id, write)
