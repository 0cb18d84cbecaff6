"""Invitations: the mail that lets somebody in, by a link or by a one-time password (rows C2 to C4, W22, W27, Y21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from gateway.account.credentials import (
    ONE_TIME_LIFE,
    credential_at,
    credential_of,
    has_joined,
    new_credential,
    one_time_password,
)
from gateway.account.mailed_links import Holder, Purpose, close_links, make_link
from gateway.account.passwords import hash_password
from gateway.mail.post import letter, post
from models.tables.getting_in import WayIn
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from models.tables.identity import Person
    from models.tables.records import Practice


@dataclass(frozen=True, slots=True)
class OneTime:
    """A one-time password and its hash, which is made before the transaction: it takes a core for a while."""

    password: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class Inviting:
    """Who invites, when, and by which URL browsers know the gateway."""

    practice: Practice
    by: str
    now: datetime
    public_url: str


def way_in_of(session: Session, practice_id: str) -> WayIn:
    """How the practice lets people in."""
    return session.get(WayIn, practice_id) or WayIn(practice_id=practice_id)


async def new_one_time() -> OneTime:
    """A one-time password."""
    password = one_time_password()
    return OneTime(password, await to_thread.run_sync(hash_password, password))


def invite(session: Session, person: Person, inviting: Inviting, one_time: OneTime | None) -> None:
    """Mail the person of a new account how to get in; what was mailed to them before is worth nothing any more.

    An address that is a sign-in's already gets a link by which that one can take the invitation, whatever the practice
    mails otherwise: the practice learns nothing of it (conflict c1).
    """
    address, practice = person.email or "", inviting.practice
    own = credential_of(session, SubjectType.ACCOUNT, person.subject_id)
    if has_joined(own):
        raise ValueError(f"{person.subject_id} has signed in already and needs no invitation")
    held = credential_at(session, address)
    values = {"name": person.name, "practice": practice.name, "address": address}
    if own is not None:
        session.delete(own)
        session.flush()
    if one_time is not None and (held is None or held is own):
        close_links(session, Purpose.JOIN, SubjectType.ACCOUNT, person.subject_id, inviting.now)
        credential = new_credential(person.subject_id, address, one_time.password_hash, inviting.now)
        credential.must_change, credential.expires_at = True, inviting.now + ONE_TIME_LIFE
        session.add(credential)
        values |= {"password": one_time.password, "username": credential.username}
        values |= {"url": f"{inviting.public_url}/sign-in"}
        post(session, letter("welcome_password", address, person.language, **values), practice_id=practice.id)
        return
    holder = Holder(SubjectType.ACCOUNT, person.subject_id, address, practice.id, inviting.by)
    secret = make_link(session, Purpose.JOIN, holder, inviting.now)
    name = "welcome" if held is None or held is own else "welcome_back"
    values |= {"url": f"{inviting.public_url}/join/{secret}"}
    post(session, letter(name, address, person.language, **values), practice_id=practice.id)


def send_sign_in_link(session: Session, person: Person, inviting: Inviting) -> None:
    """Mail somebody who has signed in before where the practice's portal is (row Y22)."""
    practice = inviting.practice
    values = {"name": person.name, "practice": practice.name, "url": f"{inviting.public_url}/sign-in/{practice.id}"}
    address = person.email or ""
    post(session, letter("sign_in_link", address, person.language, **values), practice_id=practice.id)
