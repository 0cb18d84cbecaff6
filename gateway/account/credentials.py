"""Sign-ins in the records: found by person and by address, given a password, one-time or chosen."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlmodel import select

from gateway.account.passwords import canonical
from models.tables.identity import Credential
from models.vocabulary import GrantStatus, SubjectType

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request

ONE_TIME_LIFE = timedelta(hours=24)
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is mistaken for something else
_GROUPS, _GROUP = 4, 5  # 99 bits


def credential_of(session: Session, subject_type: SubjectType, subject_id: str) -> Credential | None:
    """The sign-in of a person."""
    chosen = select(Credential).where(
        Credential.subject_type == subject_type.value, Credential.subject_id == subject_id
    )
    return session.exec(chosen.order_by(Credential.username).limit(1)).first()


def credential_at(session: Session, address: str) -> Credential | None:
    """The sign-in whose login address this is, in whatever spelling (conflict c1)."""
    return session.exec(select(Credential).where(Credential.address == canonical(address))).first()


def has_joined(credential: Credential | None) -> bool:
    """Whether its person ever chose a password: an invitation is then behind them (conflict c3)."""
    return credential is not None and not credential.must_change


def new_credential(account_id: str, address: str, password_hash: str, now: datetime) -> Credential:
    """A sign-in whose user name is the address (conflict c9)."""
    name = canonical(address)
    return Credential(
        username=name,
        subject_type=SubjectType.ACCOUNT.value,
        subject_id=account_id,
        password_hash=password_hash,
        changed_at=now,
        address=name,
    )


def set_password(credential: Credential, password_hash: str, now: datetime) -> None:
    """Give it a password that its person chose."""
    credential.password_hash = password_hash
    credential.changed_at = now
    credential.must_change = False
    credential.expires_at = None


def one_time_password() -> str:
    """A password to be mailed, in groups that can be typed."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


async def still_counts(request: Request, credential: Credential) -> bool:
    """Whether a right password lets in: a one-time one only in its time, and while its invitation stands."""
    if not credential.must_change:
        return True
    if credential.expires_at is not None and credential.expires_at <= request.app.state.clock():
        return False
    grants = await request.app.state.authz.grants_of_account(credential.subject_id)
    return any(grant["status"] in (GrantStatus.PENDING.value, GrantStatus.ACTIVE.value) for grant in grants)
