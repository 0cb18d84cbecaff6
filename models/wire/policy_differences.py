"""Bodies of two bundles compared, and of recorded decisions put to another bundle."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

TOUCHED_LISTED = 200
REPLAYED = 20_000
REPLAYED_MAX = 200_000
CHANGED_LISTED = 200


class ChangedQuestion(BaseModel):
    """A question of which some situations are answered otherwise."""

    subject: str
    action: str
    resource: str
    situations: int
    space: int = Field(description="How many situations of the question can occur at all.")
    where: list[dict[str, list[str | bool]]] = Field(description="Of these conditions one holds where it changes.")
    before: list[str] = Field(description="The rules that decided in the old bundle.")
    after: list[str] = Field(description="The rules that decide in the new one.")


class TouchedRight(BaseModel):
    """An action that an account gains or loses towards a client, and on how many registered items.

    No item at all: to begin something that is not there yet, such as a thread.
    """

    account_id: str
    client_id: str
    action: str
    resource_type: str
    items: int


class TouchedStaff(BaseModel):
    """An action that a staff member gains or loses: towards how many clients, and on how many registered items.

    `practice`: where no client is named, as for what is the practice's as such.
    """

    staff_id: str
    action: str
    resource_type: str
    practice: bool
    clients: int
    items: int


class Touched(BaseModel):
    """Whom the difference touches now, among the accounts and staff of the actor's practice.

    `complete` is false where time ran out before everybody was looked at. `gains` and `loses`, and those of staff, list
    the first only; `left_out` is how many more there are.
    """

    accounts: int
    staff: int
    clients: int
    items: int
    gains: list[TouchedRight]
    loses: list[TouchedRight]
    staff_gains: list[TouchedStaff]
    staff_loses: list[TouchedStaff]
    left_out: int
    complete: bool


class PolicyDifference(BaseModel):
    """The exact difference of two bundles: newly allowed, newly denied, and whom it touches now."""

    old: str
    new: str
    same: bool
    declarations: list[str] = Field(description="Sentences on types, actions, facts and values that came or went.")
    newly_allowed: list[ChangedQuestion]
    newly_denied: list[ChangedQuestion]
    touched: Touched


class ReplayRequest(BaseModel):
    """Put the newest decisions of a time range to another bundle: [since, until), as far back as the limit reaches."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(min_length=1, max_length=64, description="A bundle's digest, or `serving`.")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: int = Field(default=REPLAYED, ge=1, le=REPLAYED_MAX, description="Look at no more decisions than this.")


class DecidingRules(BaseModel):
    """The rules that decided then, and those that would."""

    before: list[str]
    after: list[str]


class ChangedDecision(BaseModel):
    """A recorded decision that the other bundle answers otherwise."""

    record_id: str
    at: str
    subject: str
    action: str
    resource_type: str
    resource_id: str | None
    was: bool
    now: bool
    rules: DecidingRules


class ChangedGroup(BaseModel):
    """Changed decisions of one kind: the same question, direction and rules."""

    subject_type: str
    action: str
    resource_type: str
    now: bool
    rules: DecidingRules
    count: int
    examples: list[str] = Field(description="Ids of the first records.")


class ReplayReply(BaseModel):
    """What became of the recorded decisions; `counted` is the sum of the four that follow it.

    What-if questions are left out and counted apart. `left_out`: time or the limit ended before the range did, or the
    newest decisions are not in the table yet.
    """

    version: str = Field(description="The digest of the bundle that was asked.")
    counted: int
    unchanged: int
    now_allowed: int
    now_denied: int
    not_replayable: int
    what_if: int
    reasons: dict[str, int] = Field(description="Why decisions could not be replayed.")
    groups: list[ChangedGroup]
    changed: list[ChangedDecision] = Field(description="The newest only.")
    left_out: bool
    oldest: str | None = Field(description="When the oldest decision was made that was looked at.")
