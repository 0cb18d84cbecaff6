"""Tables of the gateway's content: what a practice keeps about a client and shows in the portal.

Columns named as in the resource table of the API are the raw properties a decision reads; the others are for display.
Money is in cents, days (`issued`, `due`, `dated`, `*_on`) are days in the practice's zone, `*_at` is an instant in UTC.
`author` and `provider_id` are ids of staff.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document as JsonDocument
from models.tables.columns import Instant


class Practice(RecordsTable, table=True):
    """A practice as families see it.

    `letterhead`: `{"tagline", "address": [lines], "phone", "email", "hours", "emergency"}`.
    """

    __tablename__ = "practice"

    id: str = Field(primary_key=True)
    name: str
    zone: str
    letterhead: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class Client(RecordsTable, table=True):
    """A person in care. `name` is the full name, `preferred` what they are called.

    `spoken` is the language for visits and `needs` what helps at visits, both as the family wrote them.
    `merged_into` is the client who stands in place of this one, which was the same person entered twice.
    """

    __tablename__ = "client"

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    name: str
    preferred: str
    born: date
    spoken: str = ""
    needs: str = ""
    merged_into: str | None = None

    @property
    def client_id(self) -> str:
        """A client is its own client."""
        return self.id


class ClientHome(RecordsTable, table=True):
    """To which practice a client belongs: all that is known before a practice's rows may be read."""

    __tablename__ = "client_home"

    client_id: str = Field(primary_key=True)
    practice_id: str


class Item(RecordsTable):
    """What every item has."""

    id: str = Field(primary_key=True)
    practice_id: str
    client_id: str = Field(index=True)


class Invoice(Item, table=True):
    """A bill. `lines` are `{"text", "on", "amount_cents"}`, `on` an ISO day."""

    __tablename__ = "invoice"

    addressee_id: str | None = None
    state: str
    balance_due_cents: int
    number: str
    issued: date = Field(index=True)
    due: date
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_type=JsonDocument)
    note: str = ""

    @property
    def total_cents(self) -> int:
        """The sum of the lines."""
        return sum(int(line["amount_cents"]) for line in self.lines)


class Payment(Item, table=True):
    """Money received. `method` is in words."""

    __tablename__ = "payment"

    payer_id: str | None = None
    invoice_id: str | None = None
    paid_on: date
    amount_cents: int
    method: str
    reference: str


class Appointment(Item, table=True):
    """A visit, past or coming. `sequence` counts its changes, `changed_at` is the last of them.

    `requested_by` is the account that asked for it in the portal, `request_key` the one-time key of that form.
    """

    __tablename__ = "appointment"

    provider_id: str | None = Field(default=None, index=True)
    state: str
    starts_at: datetime = Field(sa_type=Instant, index=True)
    minutes: int
    title: str
    place: str
    sequence: int = 0
    changed_at: datetime = Field(default_factory=lambda: datetime.now(UTC), sa_type=Instant)
    requested_by: str | None = None
    request_key: str | None = Field(default=None, unique=True)


class Document(Item, table=True):
    """A paper to read and perhaps to sign. An empty line separates the paragraphs of `body`.

    `author` is empty for what a family handed in, `uploaded_by` is then that account. `file_id` is a StoredFile, which
    is then the content instead of `body`. `original_id` is what this is one signer's own copy of.
    """

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("original_id", "copy_of"),)

    category: str
    state: str
    signer_rule: str
    signer_ids: list[str] = Field(default_factory=list, sa_type=JsonDocument)
    copy_of: str | None = None
    title: str
    author: str
    dated: date = Field(index=True)
    body: str
    file_id: str | None = None
    uploaded_by: str | None = None
    original_id: str | None = None


class Form(Item, table=True):
    """A form sent to a family. `questions` are those of the template when it was sent (see `models.tables.intake`).

    `titles` are the title by language; one that is missing is `title`. `answers` are by question id. `version` counts
    the saves. `visibility` says who may read it when it is completed: `filler` (whoever filled it in), `practice` (only
    the practice) or `family`. From `ready_at` on it only waits for a signature; `signature` is null until then.
    """

    __tablename__ = "form"

    state: str
    filler_id: str | None = None
    signer_rule: str
    signer_ids: list[str] = Field(default_factory=list, sa_type=JsonDocument)
    title: str
    sent_on: date
    due: date | None = None
    completed_on: date | None = None
    questions: list[dict[str, Any]] = Field(default_factory=list, sa_type=JsonDocument)
    titles: dict[str, str] = Field(default_factory=dict, sa_type=JsonDocument)
    template_id: str | None = None
    template_version: int | None = None
    visibility: str = "filler"
    language: str = "en"
    version: int = 0
    answers: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    ready_at: datetime | None = Field(default=None, sa_type=Instant)
    completed_by: str | None = None
    signature: dict[str, Any] | None = Field(default=None, sa_type=JsonDocument)
    document_id: str | None = None
    sent_by: str | None = None


class Thread(Item, table=True):
    """A conversation; `last_number` and `last_at` are its newest message's (models.tables.messages)."""

    __tablename__ = "thread"

    provider_id: str | None = None
    participant_ids: list[str] = Field(default_factory=list, sa_type=JsonDocument)
    subject: str
    last_number: int
    last_at: datetime = Field(sa_type=Instant)


class ServicePlan(Item, table=True):
    """What the practice and the client work on. `goals` are `{"title", "text", "steps": [...], "progress"}`."""

    __tablename__ = "service_plan"

    state: str
    title: str
    author: str
    released_on: date | None = None
    review_on: date | None = None
    summary: str
    goals: list[dict[str, Any]] = Field(default_factory=list, sa_type=JsonDocument)
    supports: list[str] = Field(default_factory=list, sa_type=JsonDocument)


class Note(Item):
    """What clinicians write for themselves."""

    title: str
    author: str
    dated: date
    body: str


class ClinicalNote(Note, table=True):
    """A note on a session; no representative ever sees one."""

    __tablename__ = "clinical_note"


class TreatmentPlan(Note, table=True):
    """The clinical plan behind the service plan; no representative ever sees one."""

    __tablename__ = "treatment_plan"


ITEMS: dict[str, type[Item]] = {
    "invoice": Invoice,
    "payment": Payment,
    "appointment": Appointment,
    "document": Document,
    "form": Form,
    "thread": Thread,
    "service_plan": ServicePlan,
    "clinical_note": ClinicalNote,
    "treatment_plan": TreatmentPlan,
}


class Outbox(RecordsTable, table=True):
    """Facts of items still to be registered with the authz service, in the order of the changes.

    `properties` is null when the item is gone.
    """

    __tablename__ = "outbox"

    number: int | None = Field(default=None, primary_key=True)
    practice_id: str
    type: str
    id: str
    properties: dict[str, Any] | None = Field(default=None, sa_type=JsonDocument)


class DemoSeed(RecordsTable, table=True):
    """Says that the database was filled with demo data, as of this day."""

    __tablename__ = "demo_seed"

    day: date = Field(primary_key=True)
