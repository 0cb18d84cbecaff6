"""A link gives its document out once, however many ask at the same time, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import col, delete

from gateway.account.passwords import Passwords
from gateway.records import releases
from gateway.records.releases import TRIES, find_release, fits_passcode, issue_release, new_key, take_release
from models.tables.papers import DocumentRelease
from models.tables.records import Document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.records.releases import Issued
    from gateway.records.store import RecordsStore

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 6, 15, 19, 0, tzinfo=UTC)


@pytest.fixture
async def issued(store: RecordsStore) -> AsyncIterator[Issued]:
    document = await store.item(Document, "northgate", "rosa", "doc_rosa_summary")
    assert document
    made = await issue_release(document, "tom", key=new_key(), reason="r", by="staff/jo", at=NOW, with_passcode=True)
    await store.change("northgate", lambda session: session.add(made.release))
    yield made
    gone = delete(DocumentRelease).where(col(DocumentRelease.id) == made.release.id)
    await store.change("northgate", lambda session: session.execute(gone))


async def test_of_many_who_open_a_link_one_gets_the_document(store: RecordsStore, issued: Issued) -> None:
    """Taking is one conditional change."""
    taken = await asyncio.gather(*(take_release(store, issued.release, NOW) for _ in range(8)))
    assert sorted(taken) == [False] * 7 + [True]


async def test_without_the_condition_everyone_would_get_it(
    store: RecordsStore, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same change without its condition."""
    monkeypatch.setattr(releases, "_usable", lambda *_args, **_kwargs: [])
    taken = await asyncio.gather(*(take_release(store, issued.release, NOW) for _ in range(8)))
    assert sorted(taken) == [True] * 8


async def test_guesses_at_the_same_time_are_counted_each(store: RecordsStore, issued: Issued) -> None:
    """Of many guesses at once only as many are looked at as there are tries; then the right one is too late."""
    looked_at = 0

    class Counting(Passwords):
        async def fits(self, password_hash: str | None, password: str) -> bool:
            nonlocal looked_at
            looked_at += 1
            return False

    guesses: list[Any] = [fits_passcode(store, Counting(), issued.release, "000000", NOW) for _ in range(12)]
    assert not any(await asyncio.gather(*guesses))
    assert looked_at == TRIES
    assert not await fits_passcode(store, Passwords(), issued.release, issued.passcode, NOW)


async def test_a_link_of_another_practice_or_with_a_wrong_secret_finds_nothing(
    store: RecordsStore, issued: Issued
) -> None:
    """The secret is found by its hash, within its practice only."""
    secret = issued.path.rpartition(".")[2]
    assert await find_release(store, "northgate", secret, NOW)
    assert await find_release(store, "harborview", secret, NOW) is None
    assert await find_release(store, "northgate", secret[:-1], NOW) is None
    assert await find_release(store, "northgate", issued.release.token_sha256, NOW) is None
