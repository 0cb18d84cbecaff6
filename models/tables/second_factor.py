"""Tables of second factors, and of the browsers a person has signed in from."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class AuthenticatorApp(RecordsTable, table=True):
    """A person's app that shows codes (RFC 6238).

    `sealed_secret` is encrypted. `last_step` is the 30-second step of the code last used: no code is used twice.
    """

    __tablename__ = "authenticator_app"

    subject_type: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    sealed_secret: str
    last_step: int
    added_at: datetime = Field(sa_type=Instant)


class Passkey(RecordsTable, table=True):
    """A person's passkey (WebAuthn): its credential id and COSE public key (both base64url), and the name they gave it.

    `is_synced` of one that is copied to the person's other devices.
    """

    __tablename__ = "passkey"

    id: str = Field(primary_key=True)
    subject_type: str
    subject_id: str = Field(index=True)
    name: str
    public_key: str
    sign_count: int
    is_synced: bool
    transports: list[str] = Field(default_factory=list, sa_type=Document)
    added_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)


class RecoveryCode(RecordsTable, table=True):
    """A code that stands in for a lost second factor, by its keyed hash; worth one sign-in."""

    __tablename__ = "recovery_code"

    code_hash: str = Field(primary_key=True)
    subject_type: str
    subject_id: str = Field(index=True)
    used_at: datetime | None = Field(default=None, sa_type=Instant)


class KnownBrowser(RecordsTable, table=True):
    """A browser that a person has signed in from, by the SHA-256 of the cookie it was given."""

    __tablename__ = "known_browser"

    subject_type: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    browser_hash: str = Field(primary_key=True)
    last_at: datetime = Field(sa_type=Instant)
