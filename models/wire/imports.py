"""Bodies of imports, and of the export that an import can read again."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 (pydantic reads the annotations)
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import Feature, GrantStatus, Kind, SelfManaging
from models.wire.access import PracticePatch

ENTRIES_MAX = 10_000  # of each list


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ImportPractice(PracticePatch):
    """Settings and switches of the practice, to be set where they are given."""

    switches: dict[Feature, bool] = Field(default={})


class ImportClient(_Strict):
    """A client; one whom the practice has already keeps what is not given."""

    id: str = Field(min_length=1, max_length=64)
    born: date
    self_managing: SelfManaging | None = None
    assent: Literal["given", "withheld"] | None = None
    active: bool | None = None
    switches: dict[Feature, bool] = {}


class ImportGrant(_Strict):
    """Access of an account to a client; an ended one is passed over. Toggles not given start as is usual."""

    account_id: str = Field(min_length=1, max_length=64)
    client_id: str = Field(min_length=1, max_length=64)
    kind: Kind
    status: GrantStatus = GrantStatus.PENDING
    starts: date | None = Field(default=None, alias="from")
    until: date | None = None
    proof: Literal["none", "on_file"] | None = None
    toggles: dict[Feature, bool] = {}


class ImportWithheld(_Strict):
    """An item that is kept from an account."""

    account_id: str = Field(min_length=1, max_length=64)
    client_id: str = Field(min_length=1, max_length=64)
    type: str
    id: str


class ImportBlock(_Strict):
    """A safety block between an account and a client."""

    account_id: str = Field(min_length=1, max_length=64)
    client_id: str = Field(min_length=1, max_length=64)
    reason: str | None = Field(default=None, max_length=500)


class ImportAssignment(_Strict):
    """A client assigned to a staff member of the practice; one who does not work there is passed over."""

    staff_id: str = Field(min_length=1, max_length=64)
    client_id: str = Field(min_length=1, max_length=64)


class Import(_Strict):
    """What to bring in, all of it or nothing."""

    key: str = Field(min_length=1, max_length=64, description="One-time: the same key counts once, however often sent.")
    dry_run: bool = Field(default=False, description="Only say what would happen.")
    expected: str | None = Field(default=None, description="The `digest` of the dry run; 409 when it is another now.")
    differing: Literal["keep", "take"] = Field(
        default="keep", description="What is there already and differs: keep it, or take what is sent."
    )
    practice: ImportPractice | None = None
    clients: list[ImportClient] = Field(default=[], max_length=ENTRIES_MAX)
    grants: list[ImportGrant] = Field(default=[], max_length=ENTRIES_MAX)
    withheld: list[ImportWithheld] = Field(default=[], max_length=ENTRIES_MAX)
    blocks: list[ImportBlock] = Field(default=[], max_length=ENTRIES_MAX)
    assigned: list[ImportAssignment] = Field(default=[], max_length=ENTRIES_MAX)


Outcome = Literal["new", "unchanged", "changed", "kept", "passed_over", "refused"]


class GrantOutcome(BaseModel):
    """What becomes of a grant. `id` is null in a dry run for one that is new."""

    outcome: Outcome
    id: str | None


class Problem(BaseModel):
    """Why an entry cannot be brought in; `at` is such as `grants.3.kind`."""

    at: str
    message: str


class ImportReply(BaseModel):
    """What happened, or would happen; the lists are in the order of the request's."""

    key: str
    dry_run: bool
    digest: str = Field(description="Of what happens; another one after anything changed that matters to it.")
    practice: list[str] = Field(description="The settings and switches that change.")
    clients: list[Outcome]
    grants: list[GrantOutcome]
    withheld: list[Outcome]
    blocks: list[Outcome]
    assigned: list[Outcome]
    problems: list[Problem] = Field(description="With any, nothing can be brought in.")


class Export(BaseModel):
    """A page of a practice's access data, in the shape that an import takes."""

    practice: dict[str, Any] | None = Field(description="On the first page.")
    staff: list[dict[str, Any]] = Field(description="On the first page.")
    clients: list[ImportClient]
    grants: list[dict[str, Any]] = Field(description="Those of an import, with `id`.")
    withheld: list[ImportWithheld]
    blocks: list[ImportBlock]
    assigned: list[ImportAssignment]
    at: datetime = Field(description="The instant whose state is told; send it with the next page.")
    next: str
