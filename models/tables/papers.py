"""Tables of papers: files that were handed in or added, signatures, and releases of one document to one person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class StoredFile(RecordsTable, table=True):
    """A file as it was kept. `sha256` is of `content` in hexadecimal; `kept_by` as in the trail ("account/dana")."""

    __tablename__ = "stored_file"

    id: str = Field(primary_key=True)
    practice_id: str
    client_id: str = Field(index=True)
    name: str
    media_type: str
    size: int
    sha256: str
    content: bytes = Field(sa_type=LargeBinary)
    kept_by: str
    kept_at: datetime = Field(sa_type=Instant)


class Signature(RecordsTable, table=True):
    """One person's signature on one document; its number orders the practice's signatures without a gap.

    `content_sha256` is of what was shown (gateway.records.papers), `seal` closes the row and binds `previous`, the seal
    before it (gateway.records.seals). `kinds` is what the signer was to the client, `amr` how they had signed in.
    `id` is what the certificate is checked by: nobody can guess it.
    """

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("document_id", "account_id"), UniqueConstraint("practice_id", "number"))

    id: str = Field(primary_key=True)
    practice_id: str
    number: int
    client_id: str
    document_id: str
    account_id: str
    name: str
    typed_name: str
    drawn: bytes | None = Field(default=None, sa_type=LargeBinary)
    kinds: list[str] = Field(sa_type=Document)
    amr: list[str] = Field(sa_type=Document)
    consent: str
    signed_at: datetime = Field(sa_type=Instant)
    content_sha256: str
    previous: str
    seal: str


class DocumentRelease(RecordsTable, table=True):
    """One document, sent once to one person by a link that ends (row P13, conflict c18).

    Only the hash of the link's secret is kept. `passcode_hash` is null when the link alone suffices.
    """

    __tablename__ = "document_release"

    id: str = Field(primary_key=True)
    practice_id: str
    client_id: str
    document_id: str = Field(index=True)
    account_id: str
    reason: str
    token_sha256: str = Field(unique=True)
    passcode_hash: str | None = None
    tries_left: int
    released_by: str
    released_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    opened_at: datetime | None = Field(default=None, sa_type=Instant)
