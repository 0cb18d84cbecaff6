"""Secrets that are mailed: made once, kept as a hash only, worth one use within their time."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlmodel import col, select, update

from models.tables.getting_in import MailedLink

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from models.vocabulary import SubjectType


class Purpose(StrEnum):
    """What a mailed link is for."""

    JOIN = "join"
    RESET = "reset"
    ADDRESS = "address"


LIFE = {Purpose.JOIN: timedelta(days=7), Purpose.RESET: timedelta(hours=1), Purpose.ADDRESS: timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a link is for, and where it is mailed; an invitation has the practice and the staff member who invites."""

    subject_type: SubjectType
    subject_id: str
    address: str
    practice_id: str | None = None
    made_by: str | None = None


def make_link(session: Session, purpose: Purpose, holder: Holder, now: datetime) -> str:
    """A new secret; earlier ones of the same purpose for the same person are worth nothing any more.

    Except where anybody may ask for one: there they would take away the link that somebody is about to use.
    """
    if purpose is not Purpose.RESET:
        close_links(session, purpose, holder.subject_type, holder.subject_id, now)
    secret = secrets.token_urlsafe(32)
    link = MailedLink(
        secret_hash=_hash(secret),
        purpose=purpose.value,
        subject_type=holder.subject_type.value,
        subject_id=holder.subject_id,
        address=holder.address,
        practice_id=holder.practice_id,
        made_by=holder.made_by,
        made_at=now,
        expires_at=now + LIFE[purpose],
    )
    session.add(link)
    return secret


def find_link(session: Session, purpose: Purpose, secret: str, now: datetime) -> MailedLink | None:
    """The link of a secret, unless it was used, taken back or has expired."""
    link = session.get(MailedLink, _hash(secret))
    if link is None or link.purpose != purpose.value or link.closed_at is not None or link.expires_at <= now:
        return None
    return link


def use_link(session: Session, link: MailedLink, now: datetime) -> bool:
    """Use a link up: of several who try, one is told yes."""
    used = session.execute(
        update(MailedLink)
        .where(col(MailedLink.secret_hash) == link.secret_hash, col(MailedLink.closed_at).is_(None))
        .where(col(MailedLink.expires_at) > now)
        .values(closed_at=now)
    )
    return bool(used.rowcount)  # type: ignore[attr-defined]


def close_links(session: Session, purpose: Purpose, subject_type: SubjectType, subject_id: str, now: datetime) -> None:
    """Take a person's links back."""
    session.execute(
        update(MailedLink)
        .where(col(MailedLink.purpose) == purpose.value, col(MailedLink.subject_type) == subject_type.value)
        .where(col(MailedLink.subject_id) == subject_id, col(MailedLink.closed_at).is_(None))
        .values(closed_at=now)
    )


def newest_link(session: Session, purpose: Purpose, subject_type: SubjectType, subject_id: str) -> MailedLink | None:
    """The link made last for a person, whatever has become of it."""
    chosen = select(MailedLink).where(
        MailedLink.purpose == purpose.value,
        MailedLink.subject_type == subject_type.value,
        MailedLink.subject_id == subject_id,
    )
    return session.exec(chosen.order_by(col(MailedLink.made_at).desc()).limit(1)).first()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
