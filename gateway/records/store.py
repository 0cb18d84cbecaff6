"""The content store: rows of the records database, read off the event loop, one practice at a time.

A read names the practice; on PostgreSQL row-level security then hides every other practice's rows from the query.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import and_, func, text
from sqlmodel import Session, select

from gateway.records.database import open_engine
from gateway.records.events import WAITING
from gateway.records.own_practice import OwnPracticeSession, keeping_to
from gateway.records.threads import Threads
from gateway.records.turn import Turn
from models.tables.identity import Credential, Person
from models.tables.records import Client, ClientHome, Item, Outbox, Practice
from models.world import RAW_PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement

    from models.vocabulary import SubjectType

ROWS_MAX = 500  # rows of one read
Row = TypeVar("Row", bound="Client | Item")
Result = TypeVar("Result")


class RecordsStore:
    """Reads and writes of the gateway's database. Every method but `session` may be awaited from a handler."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self.threads = Threads()
        self._turns: list[Turn] = []
        self.on_event: Callable[[], None] = lambda: None  # called when an event has been written; it must not wait

    @contextmanager
    def session(self, practice_id: str | None, *, writing: bool = False) -> Iterator[Session]:
        """A transaction in which only the practice's rows (none: identity only) can be seen and written.

        One that reads before it writes says `writing`: SQLite could not let it write any more if another had meanwhile.
        """
        if self.engine.dialect.name == "postgresql":
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                session.info["practice_id"] = practice_id
                session.execute(text("SELECT set_config('kinguard.practice', :id, true)"), {"id": practice_id or ""})
                yield session
            return
        with (
            keeping_to(practice_id),
            OwnPracticeSession(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.info["practice_id"] = practice_id
            if writing:
                session.execute(text("BEGIN IMMEDIATE"))
            yield session

    async def practice(self, practice_id: str) -> Practice | None:
        """A practice as families see it."""
        return await self._run(practice_id, lambda session: session.get(Practice, practice_id))

    async def client(self, client_id: str) -> tuple[Client, Practice] | None:
        """A client with its practice, or None."""
        return (await self.clients([client_id])).get(client_id)

    async def clients(self, client_ids: Sequence[str]) -> dict[str, tuple[Client, Practice]]:
        """Several clients, of whatever practices, with their practices, by id."""
        homes = await self._run(None, lambda session: _homes(session, client_ids))
        found: dict[str, tuple[Client, Practice]] = {}
        for practice_id in sorted(set(homes.values())):
            members = [client_id for client_id, home in homes.items() if home == practice_id]
            found |= await self._run(practice_id, partial(_members, client_ids=members, practice_id=practice_id))
        return found

    async def item(self, table: type[Row], practice_id: str, client_id: str, item_id: str) -> Row | None:
        """One item of one client, or None."""

        def read(session: Session) -> Row | None:
            row = session.get(table, item_id)
            if row is None or row.client_id != client_id or row.practice_id != practice_id:
                return None
            return row

        return await self._run(practice_id, read)

    async def rows(
        self,
        table: type[Row],
        practice_id: str,
        *conditions: ColumnElement[bool],
        order_by: Sequence[Any] = (),
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[list[Row], int]:
        """At most `limit` rows that meet every condition, and how many there are in all."""
        if not 0 < limit <= ROWS_MAX or offset < 0:
            raise ValueError(f"limit must be 1 to {ROWS_MAX} and offset not negative")

        def read(session: Session) -> tuple[list[Row], int]:
            chosen = and_(*conditions, table.practice_id == practice_id)  # type: ignore[arg-type]
            ordered = select(table).where(chosen).order_by(*order_by, table.id).limit(limit).offset(offset)
            rows = list(session.exec(ordered))
            if offset == 0 and len(rows) < limit:
                return rows, len(rows)
            return rows, session.exec(select(func.count()).select_from(table).where(chosen)).one()

        return await self._run(practice_id, read)

    async def people(self, subject_type: SubjectType, subject_ids: Sequence[str]) -> dict[str, Person]:
        """Names of accounts or staff, by id; unknown ids are left out."""

        def read(session: Session) -> dict[str, Person]:
            chosen = select(Person).where(
                Person.subject_type == subject_type.value,
                Person.subject_id.in_(subject_ids),  # type: ignore[attr-defined]
            )
            return {person.subject_id: person for person in session.exec(chosen)}

        return await self._run(None, read)

    async def sign_in_names(self) -> list[tuple[str, str]]:
        """Whoever has a credential, as (group, sign-in name), ordered by group; for the demo's sign-in page."""
        practices = select(Practice.id, Practice.name)

        def read(session: Session) -> list[tuple[str, str]]:
            names = dict(session.exec(practices).all())
            chosen = select(Person.practice_id, Credential.username).where(
                Person.subject_type == Credential.subject_type, Person.subject_id == Credential.subject_id
            )
            known = [(names[key] if key else "Families", username) for key, username in session.exec(chosen)]
            return sorted(known, key=lambda entry: (entry[0] != "Families", entry))

        return await self._run(None, read)

    async def credential(self, username: str) -> Credential | None:
        """The credential of a sign-in name in canonical form."""
        return await self._run(None, lambda session: session.get(Credential, username))

    async def set_password_hash(self, username: str, password_hash: str) -> None:
        """Replace a hash, when the parameters have become stronger."""

        def write(session: Session) -> None:
            credential = session.get_one(Credential, username)
            credential.password_hash = password_hash
            credential.changed_at = datetime.now(UTC)

        await self.change(None, write)

    async def save(self, resource_type: str, item: Item) -> None:
        """Write an item together with the facts to register for it."""

        def write(session: Session) -> None:
            saved = session.merge(item)
            session.add(outbox_entry(resource_type, saved))

        await self.change(item.practice_id, write)

    async def remove(self, resource_type: str, item: Item) -> None:
        """Delete an item, and have its facts taken back."""

        def write(session: Session) -> None:
            session.delete(session.merge(item))
            session.add(Outbox(practice_id=item.practice_id, type=resource_type, id=item.id, properties=None))

        await self.change(item.practice_id, write)

    async def read(self, practice_id: str | None, work: Callable[[Session], Result]) -> Result:
        """What `work` reads, in one transaction that sees the practice's rows (None: identity only)."""
        return await self._run(practice_id, work)

    async def change(self, practice_id: str | None, work: Callable[[Session], Result]) -> Result:
        """What `work` returns once everything that it wrote is committed; an error undoes all of it."""

        def watched(session: Session) -> tuple[Result, bool]:
            return work(session), WAITING in session.info

        result, told = await self._run(practice_id, watched, writing=True)
        if told:
            self.on_event()
        return result

    async def _run(
        self, practice_id: str | None, work: Callable[[Session], Result], *, writing: bool = False
    ) -> Result:
        def transaction() -> Result:
            with self.session(practice_id, writing=writing) as session:
                return work(session)

        return await self.threads.run(transaction)

    def turn(self, key: int) -> Turn:
        """Whose turn it is to do what `key` (of an advisory lock) stands for."""
        self._turns.append(Turn(self.engine, self.threads, key))
        return self._turns[-1]

    def close(self) -> None:
        """Wait for what still runs, and close every connection."""
        self.threads.close()
        for turn in self._turns:
            turn.give_up()
        self.engine.dispose()


def properties_of(resource_type: str, row: Client | Item) -> dict[str, Any]:
    """The raw properties that a question about a row carries; instants as RFC 3339 in UTC."""
    values = {"client_id": row.client_id}
    if isinstance(row, Client):
        values["practice_id"] = row.practice_id
    for name in RAW_PROPERTIES.get(resource_type, ()):
        value = getattr(row, name)
        values[name] = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
    return values


def outbox_entry(resource_type: str, item: Item) -> Outbox:
    """The registration of an item's facts, to be written in the item's own transaction."""
    properties = properties_of(resource_type, item)
    return Outbox(practice_id=item.practice_id, type=resource_type, id=item.id, properties=properties)


def _homes(session: Session, client_ids: Sequence[str]) -> dict[str, str]:
    chosen = select(ClientHome).where(ClientHome.client_id.in_(client_ids))  # type: ignore[attr-defined]
    return {home.client_id: home.practice_id for home in session.exec(chosen)}


def _members(session: Session, client_ids: list[str], practice_id: str) -> dict[str, tuple[Client, Practice]]:
    practice = session.get_one(Practice, practice_id)
    chosen = select(Client).where(Client.id.in_(client_ids))  # type: ignore[attr-defined]
    return {client.id: (client, practice) for client in session.exec(chosen)}
