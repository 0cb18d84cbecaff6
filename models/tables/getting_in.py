"""Tables of contacts, invitations, recovery and the sign-up queue."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Instant


class Contact(RecordsTable, table=True):
    """A person as the practice knows them, for one client; with `account_id` and `grant_id` once given portal access.

    Rows W16 to W18: a contact may be kept without portal access, and is never an active client (W15).
    `authority` is why the person may act for the client (gateway.admin.authorities), empty when nobody said.
    `declined_at` is when an invitation was declined, `merged_into` the contact that is kept in place of this one.
    """

    __tablename__ = "contact"

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    client_id: str = Field(index=True)
    account_id: str | None = Field(default=None, index=True)
    grant_id: str | None = Field(default=None, index=True)
    kind: str
    name: str
    email: str | None = None
    phone: str | None = None
    added_by: str
    added_at: datetime = Field(sa_type=Instant)
    authority: str = ""
    declined_at: datetime | None = Field(default=None, sa_type=Instant)
    merged_into: str | None = None


class Proof(RecordsTable, table=True):
    """What shows that a person may act for a client: a file, or an original that the practice has seen.

    `what` is a kind of proof (gateway.admin.authorities); `starts` and `until` bound the access that it supports, in
    [starts, until), days in the practice's zone. One that was taken back is kept, with `removed_at`.
    """

    __tablename__ = "proof"

    id: str = Field(primary_key=True)
    practice_id: str
    client_id: str = Field(index=True)
    grant_id: str = Field(index=True)
    what: str
    note: str = ""
    file_id: str | None = None
    starts: date | None = None
    until: date | None = None
    added_by: str
    added_at: datetime = Field(sa_type=Instant)
    removed_by: str | None = None
    removed_at: datetime | None = Field(default=None, sa_type=Instant)


class PortalVisit(RecordsTable, table=True):
    """When an account last opened a client's portal: all that a practice learns of somebody's signing in."""

    __tablename__ = "portal_visit"

    client_id: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    practice_id: str
    last_at: datetime = Field(sa_type=Instant)


class MailedLink(RecordsTable, table=True):
    """A secret that was mailed, by the SHA-256 of the secret; worth something until `closed_at` or `expires_at`.

    `purpose` is `join` (with the practice and the staff member who invited), `reset` or `address` (then `address` is
    the new login address). The subject is who the link is for; of an invitation that is the account made for it.
    """

    __tablename__ = "mailed_link"

    secret_hash: str = Field(primary_key=True)
    purpose: str
    subject_type: str
    subject_id: str = Field(index=True)
    address: str
    practice_id: str | None = None
    made_by: str | None = None
    made_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)


class WayIn(RecordsTable, table=True):
    """How a practice lets people in; without a row, by link and without a security question (conflicts c9, c10)."""

    __tablename__ = "way_in"

    practice_id: str = Field(primary_key=True)
    invite_by: str = "link"  # or password
    asks_question: bool = False
    takes_sign_ups: bool = True


class SecurityAnswer(RecordsTable, table=True):
    """A person's security question, and the Argon2id hash of the answer in canonical form (rows C6, C7)."""

    __tablename__ = "security_answer"

    subject_type: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    question: str
    answer_hash: str
    changed_at: datetime = Field(sa_type=Instant)


class SignUp(RecordsTable, table=True):
    """Somebody who asked for a portal by the public page (c13). `state`: waiting, declined, linked, created."""

    __tablename__ = "sign_up"

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    once: str = Field(unique=True)  # the form's own key, so that it counts once
    first_name: str
    last_name: str
    email: str
    phone: str
    born: date | None = None
    about: str
    state: str = "waiting"
    sent_at: datetime = Field(sa_type=Instant)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    client_id: str | None = None
