"""One-off releases: one document, to one person, by a link that works once and ends (row P13, conflict c18).

Only the hash of the link's secret is kept. A passcode, told by telephone, is hashed like a password and has few tries.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from sqlalchemy import update
from sqlmodel import col, select

from gateway.account.passwords import hash_password
from models.tables.papers import DocumentRelease

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlmodel import Session

    from gateway.account.passwords import Passwords
    from gateway.records.store import RecordsStore
    from models.tables.records import Document

LASTS = timedelta(hours=72)
TRIES = 5
PASSCODE_DIGITS = 6
_SECRET_BYTES = 24
_KEY = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Issued:
    """A release as it is handed out: the link's path, and the passcode or "". Neither is kept."""

    release: DocumentRelease
    path: str
    passcode: str


async def issue_release(
    document: Document, account_id: str, *, key: str, reason: str, by: str, at: datetime, with_passcode: bool
) -> Issued:
    """A new release, still to be written together with the mail; `key` becomes its id, so that a form counts once."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    passcode = f"{secrets.randbelow(10**PASSCODE_DIGITS):0{PASSCODE_DIGITS}}" if with_passcode else ""
    release = DocumentRelease(
        id=key,
        practice_id=document.practice_id,
        client_id=document.client_id,
        document_id=document.id,
        account_id=account_id,
        reason=reason,
        token_sha256=_digest(secret),
        passcode_hash=await to_thread.run_sync(hash_password, passcode) if passcode else None,
        tries_left=TRIES,
        released_by=by,
        released_at=at,
        expires_at=at + LASTS,
    )
    return Issued(release, f"/released/{document.practice_id}.{secret}", passcode)


def new_key() -> str:
    """A key for a form."""
    return secrets.token_hex(12)


def is_key(text: str) -> bool:
    """Whether the text may be such a key."""
    return _KEY.fullmatch(text) is not None


async def find_release(store: RecordsStore, practice_id: str, secret: str, now: datetime) -> DocumentRelease | None:
    """The release of a link that can still be used."""

    def read(session: Session) -> DocumentRelease | None:
        chosen = select(DocumentRelease).where(
            DocumentRelease.token_sha256 == _digest(secret), DocumentRelease.practice_id == practice_id
        )
        return session.exec(chosen.where(*_usable(now))).first()

    return await store.read(practice_id, read)


async def fits_passcode(
    store: RecordsStore, passwords: Passwords, release: DocumentRelease, passcode: str, now: datetime
) -> bool:
    """Whether the passcode is right, if one is asked; every try is counted before it is looked at."""
    if release.passcode_hash is None:
        return True
    counted = await store.change(
        release.practice_id,
        lambda session: _one(session, release.id, now, {"tries_left": col(DocumentRelease.tries_left) - 1}),
    )
    return counted and await passwords.fits(release.passcode_hash, passcode[:20])


async def take_release(store: RecordsStore, release: DocumentRelease, now: datetime) -> bool:
    """Use the release up; False when it was used meanwhile, or its time is over."""
    return await store.change(
        release.practice_id, lambda session: _one(session, release.id, now, {"opened_at": now}, tries=False)
    )


def _one(session: Session, release_id: str, now: datetime, values: dict[str, Any], *, tries: bool = True) -> bool:
    chosen = update(DocumentRelease).where(col(DocumentRelease.id) == release_id, *_usable(now, tries=tries))
    return bool(session.execute(chosen.values(values)).rowcount)  # type: ignore[attr-defined]


def _usable(now: datetime, *, tries: bool = True) -> list[ColumnElement[bool]]:
    conditions = [col(DocumentRelease.opened_at).is_(None), col(DocumentRelease.expires_at) > now]
    return [*conditions, col(DocumentRelease.tries_left) > 0] if tries else conditions


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
