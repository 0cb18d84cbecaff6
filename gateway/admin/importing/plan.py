"""What a file would do: its people matched with those whom the practice knows, and the parts both databases get."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.admin.importing.rows import Fault
from gateway.web.language import N_, _
from models.vocabulary import AgeClass, GrantStatus, Kind, SelfManaging

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from gateway.admin.importing.known import Known, KnownPerson
    from gateway.admin.importing.rows import AccessRow, ClientRow, Sheet

USE, LEAVE, NEW = "use", "leave", "new"
_AGAIN = N_("This is line %(line)s once more. Remove one of the two.")

_USED = N_("Line %(line)s uses this address for another client. Leave it empty here, and add the parent as a contact.")


@dataclass(frozen=True, slots=True)
class Match:
    """Somebody of the file who is here already. `choice` is empty while nobody said whether it is the same person."""

    key: str
    line: int
    name: str  # in the file
    here: str  # how the practice knows them
    why: str
    choices: tuple[str, ...]
    choice: str


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a row. `part` and `place` find its entry in the service's answer."""

    line: int
    name: str
    about: str
    outcome: str  # new, unchanged, kept, changed, left_out
    part: str = ""
    place: int = 0


@dataclass(slots=True)
class Draft:
    """A plan before the service has seen it. `body` is the service's part, `records` the gateway's own."""

    body: dict[str, Any] = field(default_factory=lambda: {"clients": [], "grants": []})
    records: dict[str, Any] = field(default_factory=lambda: {"clients": [], "contacts": [], "people": []})
    steps: list[Step] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    clients: dict[str, str] = field(default_factory=dict)  # by key: ids
    accounts: dict[str, str] = field(default_factory=dict)  # by the file's id: ids


class Drafter:
    """Makes a draft of a sheet. `choices` are what was answered to matches, `once` makes new ids this import's own."""

    def __init__(
        self, sheet: Sheet, known: Known, columns: Mapping[str, str], once: str, choices: Mapping[str, str]
    ) -> None:
        self.draft = Draft(faults=list(sheet.faults))
        self._sheet, self._known, self._columns, self._once, self._choices = sheet, known, columns, once, choices
        self._selves = {row.client: row for row in sheet.access if row.kind is Kind.SELF and row.access}
        self._seen: dict[tuple[str, str, Kind], int] = {}
        self._own: dict[str, AccessRow] = {}  # by client and by address: whose own portal it is
        self._people: dict[str, tuple[str, bool] | None] = {}  # by address: account and whether they joined

    def make(self) -> Draft:
        """The draft."""
        for row in self._sheet.clients.values():
            self._take_client(row)
        for access in self._sheet.access:
            self._take_access(access)
        self.draft.faults.sort(key=lambda fault: fault.line)
        return self.draft

    # ---- clients ----

    def _take_client(self, row: ClientRow) -> None:
        found = self._known.clients_like(row.id, row.name, row.born)
        if len(found) > 1:
            words = _("Several clients here are called %(name)s and born that day. Merge them first.", name=row.name)
            self._fault(row.line, "client_name", words)
            return
        given = {"self_managing": row.self_managing, "assent": row.assent, "active": row.active}
        values = {name: value for name, value in given.items() if value not in ("", None)}
        if found:
            here, born = found[0], found[0].born.isoformat()
            choice = self._choice(f"c {row.key}", (USE, LEAVE, NEW), USE)
            why = _("same name and date of birth")
            self.draft.matches.append(
                Match(f"c {row.key}", row.line, row.name, f"{here.name}, {born}", why, (USE, LEAVE, NEW), choice)
            )
            if choice == LEAVE:
                self._step(row.line, row.name, _("Client"), "left_out")
                return
            if choice == USE:
                self.draft.clients[row.key] = here.id
                if values:
                    self._enter(row, {"id": here.id, "born": row.born.isoformat(), **values})
                else:
                    self._step(row.line, row.name, _("Client"), "unchanged")
                return
        client_id = self._new_id("c", row.key)
        if not row.self_managing and (own := self._selves.get(row.key)) is not None:
            age = self._known.age_class(row.born)
            if age is AgeClass.CHILD:
                words = _(
                    "%(name)s is too young for a portal of their own. Add a parent or guardian instead.", name=row.name
                )
                self._fault(own.line, self._email_field(), words)
                return
            values["self_managing"] = (SelfManaging.YES if age is AgeClass.ADULT else SelfManaging.SHARED).value
        self.draft.clients[row.key] = client_id
        shown = {"id": client_id, "name": row.name, "preferred": row.preferred, "born": row.born.isoformat()}
        self.draft.records["clients"].append(shown)
        self._enter(row, {"id": client_id, "born": row.born.isoformat(), **values})

    def _enter(self, row: ClientRow, entry: dict[str, Any]) -> None:
        self._step(row.line, row.name, _("Client"), "new", ("clients", len(self.draft.body["clients"])))
        self.draft.body["clients"].append(entry)

    # ---- access ----

    def _take_access(self, row: AccessRow) -> None:
        client_id = self.draft.clients.get(row.client)
        about = self._sheet.clients[row.client].name
        person = self._person(row)
        if client_id is None or person is None or row.status == GrantStatus.ENDED.value:
            self._step(row.line, row.name, about, "left_out")
            return
        if not self._fits(row):
            return
        account_id, joined = person
        if row.account_id:
            self.draft.accounts.setdefault(row.account_id, account_id)
        place = None
        if row.access:
            place = len(self.draft.body["grants"])
            self.draft.body["grants"].append(_grant(row, account_id, client_id, joined=joined))
        outcome = self._keep_contact(row, client_id, account_id if row.access else None, place)
        self._step(row.line, row.name, about, outcome, ("", 0) if place is None else ("grants", place))

    def _person(self, row: AccessRow) -> tuple[str, bool] | None:
        """The account of an address and whether its person signed in here before; None to leave them out."""
        if row.address in self._people:
            return self._people[row.address]
        here = self._known.people.get(row.address)
        found: tuple[str, bool] | None
        if here is None:
            found = (self._new_id("a", row.address), False)
            person = {
                "id": found[0],
                "name": row.name,
                "email": row.email,
                "phone": row.phone,
                "language": row.language,
            }
            self.draft.records["people"].append(person)
        else:
            found = self._known_person(row, here)
        self._people[row.address] = found
        return found

    def _known_person(self, row: AccessRow, here: KnownPerson) -> tuple[str, bool] | None:
        is_same = here.name.casefold() == row.name.casefold()
        choice = self._choice(f"p {row.address}", (USE, LEAVE), USE if is_same else "")
        why = _("same address and name") if is_same else _("same address, another name")
        shown = f"{here.name}, {row.email}"
        self.draft.matches.append(Match(f"p {row.address}", row.line, row.name, shown, why, (USE, LEAVE), choice))
        if choice == LEAVE:
            return None
        account_id = here.account_id or f"a_{hashlib.sha256(here.contact_id.encode()).hexdigest()[:20]}"
        if here.account_id is None:
            person = {"id": account_id, "name": here.name, "email": row.email, "phone": row.phone}
            self.draft.records["people"].append({**person, "language": row.language})
        return account_id, here.joined

    def _fits(self, row: AccessRow) -> bool:
        """Whether a row goes together with the rows before it; what does not is noted."""
        client = self._sheet.clients[row.client]
        first = self._seen.setdefault((row.client, row.address, row.kind), row.line)
        if first != row.line:
            self._fault(row.line, "contact_email", _(_AGAIN, line=first))
            return False
        if row.kind is Kind.ADULT_PROXY and self._known.age_class(client.born) is not AgeClass.ADULT:
            words = _("An adult proxy is for adult clients. Write guardian for a child or teen.")
            self._fault(row.line, "kind", words)
            return False
        if row.kind is not Kind.SELF or not row.access:
            return True
        other = self._own.setdefault(f"c {row.client}", row)
        if other is not row:
            words = _("Line %(line)s gives this client another portal of their own.", line=other.line)
            self._fault(row.line, self._email_field(), words)
            return False
        other = self._own.setdefault(f"p {row.address}", row)
        if other is not row:
            words = _(_USED, line=other.line)
            self._fault(row.line, self._email_field(), words)
            return False
        return True

    def _keep_contact(self, row: AccessRow, client_id: str, account_id: str | None, place: int | None) -> str:
        """What the practice's own contacts become; the outcome as far as they tell it."""
        here = self._known.contact_of(client_id, row.address, row.kind)
        if here is not None and (here.grant_id is not None or not row.access):
            return "unchanged"
        contact_id = here.id if here is not None else self._new_id("", f"{row.client} {row.address} {row.kind}")
        self.draft.records["contacts"].append(
            {
                "id": contact_id,
                "client_id": client_id,
                "account_id": account_id,
                "grant": place,
                "kind": row.kind.value,
                "name": row.name,
                "email": row.email,
                "phone": row.phone,
            }
        )
        return "new"

    # ---- small things ----

    def _choice(self, key: str, choices: tuple[str, ...], usual: str) -> str:
        said = self._choices.get(key, usual)
        return said if said in choices else usual

    def _email_field(self) -> str:
        return "client_email" if "client_email" in self._columns else "contact_email"

    def _fault(self, line: int, name: str, sentence: str) -> None:
        column = self._columns.get(name) or self._columns.get(name.replace("_name", "_first"), "")
        self.draft.faults.append(Fault(line, column, sentence))

    def _step(self, line: int, name: str, about: str, outcome: str, entry: tuple[str, int] = ("", 0)) -> None:
        self.draft.steps.append(Step(line, name, about, outcome, *entry))

    def _new_id(self, sort: str, key: str) -> str:
        digest = hashlib.sha256(f"{self._once} {sort} {key}".encode()).hexdigest()
        return f"{sort}_{digest[:20]}" if sort else digest[:32]


def _grant(row: AccessRow, account_id: str, client_id: str, *, joined: bool) -> dict[str, Any]:
    status = GrantStatus.ACTIVE if joined else GrantStatus.PENDING
    found: dict[str, Any] = {
        "account_id": account_id,
        "client_id": client_id,
        "kind": row.kind.value,
        "status": GrantStatus.SUSPENDED.value if row.status == GrantStatus.SUSPENDED.value else status.value,
    }
    days: tuple[tuple[str, date | None], ...] = (("from", row.starts), ("until", row.until))
    found |= {name: day.isoformat() for name, day in days if day is not None}
    if row.proof:
        found["proof"] = row.proof
    if row.toggles:
        found["toggles"] = {feature.value: on for feature, on in row.toggles.items()}
    return found


def add_rest(draft: Draft, access: Mapping[str, Any], is_wanted: Callable[[str], bool]) -> None:
    """What an export holds besides people: switches, withheld items, blocks, assignments and the practice's settings.

    Ids of the file become those of this import; what is about somebody who is not brought in is passed over.
    """
    clients = {key.removeprefix("id "): client_id for key, client_id in draft.clients.items()}
    entries = {entry["id"]: entry for entry in draft.body["clients"]}
    for one in access["clients"]:
        if (entry := entries.get(clients.get(one["id"], ""))) is not None:
            entry["switches"] = one.get("switches", {})
    for part in ("withheld", "blocks"):
        draft.body[part] = [
            {**one, "client_id": clients[one["client_id"]], "account_id": draft.accounts.get(one["account_id"], "*")}
            for one in access[part]
            if one["client_id"] in clients and (one["account_id"] in draft.accounts or one["account_id"] == "*")
        ]
    draft.body["assigned"] = [
        {**one, "client_id": clients[one["client_id"]]} for one in access["assigned"] if one["client_id"] in clients
    ]
    if is_wanted("practice") and access.get("practice"):
        passed = ("id", "zone", "kind_defaults")
        draft.body["practice"] = {name: value for name, value in access["practice"].items() if name not in passed}
