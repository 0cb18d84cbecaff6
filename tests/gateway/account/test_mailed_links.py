"""A mailed secret is worth one use, whoever tries at once, and no two sign-ins share a login address (c1)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from gateway.account import mailed_links
from gateway.account.credentials import credential_at, new_credential
from gateway.account.mailed_links import Holder, Purpose, find_link, make_link
from models.tables.getting_in import MailedLink
from models.tables.identity import Credential
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlmodel import Session

    from gateway.records.store import RecordsStore

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 6, 15, 19, tzinfo=UTC)
HOLDER = Holder(SubjectType.ACCOUNT, "zoe", "zoe@mail.example")


@pytest.fixture(autouse=True)
async def clean(store: RecordsStore) -> AsyncIterator[None]:
    yield
    await store.change(None, lambda session: session.execute(delete(MailedLink).where(MailedLink.subject_id == "zoe")))  # type: ignore[arg-type]
    await store.change(
        None, lambda session: session.execute(delete(Credential).where(col(Credential.subject_id).startswith("zoe")))
    )


async def uses(store: RecordsStore, *, at_once: int = 8) -> int:
    """How many of several who use one link at once are told yes."""
    secret = await store.change(None, lambda session: make_link(session, Purpose.RESET, HOLDER, NOW))

    def use(session: Session) -> bool:
        link = find_link(session, Purpose.RESET, secret, NOW)
        return link is not None and mailed_links.use_link(session, link, NOW)

    # In transactions that do not wait for each other, as on PostgreSQL.
    return sum(
        await asyncio.gather(
            *(store.read(None, use) if is_postgres(store) else store.change(None, use) for _ in range(at_once))
        )
    )


def is_postgres(store: RecordsStore) -> bool:
    return store.engine.dialect.name == "postgresql"


async def test_of_those_who_use_a_link_at_once_one_succeeds(store: RecordsStore) -> None:
    assert await uses(store) == 1


@pytest.mark.parametrize("records_url", ["postgresql"], indirect=True)
async def test_without_the_condition_of_the_update_several_would(
    store: RecordsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control, where transactions run side by side: reading first and writing then lets more than one through."""

    def use_blindly(session: Session, link: MailedLink, now: datetime) -> bool:
        session.connection().exec_driver_sql("SELECT pg_sleep(0.2)")
        link.closed_at = now
        return True

    monkeypatch.setattr(mailed_links, "use_link", use_blindly)
    assert await uses(store) > 1


async def test_a_secret_is_kept_as_a_hash_and_counts_for_its_purpose(store: RecordsStore) -> None:
    secret = await store.change(None, lambda session: make_link(session, Purpose.JOIN, HOLDER, NOW))

    def read(session: Session) -> tuple[bool, bool, bool]:
        kept = session.get(MailedLink, secret)
        reset, join = (find_link(session, purpose, secret, NOW) for purpose in (Purpose.RESET, Purpose.JOIN))
        return kept is None, reset is None, join is not None

    assert len(secret) == 43
    assert await store.read(None, read) == (True, True, True)


async def test_two_sign_ins_never_share_an_address(store: RecordsStore) -> None:
    """Whatever the spelling: the database itself refuses the second."""
    first = new_credential("zoe", "Zoe@Mail.example", "x", NOW)
    await store.change(None, lambda session: session.add(first))
    found = await store.read(None, lambda session: credential_at(session, "  ZOE@mail.EXAMPLE "))
    assert found is not None
    second = Credential(
        username="zoe-2",
        subject_type="account",
        subject_id="zoe2",
        password_hash="x",
        changed_at=NOW,
        address="zoe@mail.example",
    )
    with pytest.raises(IntegrityError):
        await store.change(None, lambda session: session.add(second))
