"""The rows of a table as people and their access: each cell checked, each fault named by line and column."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from gateway.account.passwords import canonical
from gateway.admin.contact_form import NAME_MAX, PHONE_MAX
from gateway.admin.importing.reading import text_of
from gateway.admin.importing.shapes import KIND_NAMES, TOGGLES, Shape, plain_name
from gateway.mail.address import is_address
from gateway.web.language import LANGUAGES, _
from models.ids import is_id
from models.vocabulary import Feature, Kind, SelfManaging

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.admin.importing.reading import Line, Table

_YES = frozenset({"yes", "y", "true", "on", "1", "x", "checked", "turned on", "si", "sí", "verdadero"})
_NO = frozenset({"", "no", "n", "false", "off", "0", "unchecked", "turned off", "falso"})
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")  # day first, wherever it is written so
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?)?")
_OLDEST = 1900
_STATUSES = {
    "": "pending",
    "pending": "pending",
    "portal access pending": "pending",
    "invited": "pending",
    "active": "active",
    "registered": "active",
    "suspended": "suspended",
    "locked": "suspended",
    "ended": "ended",
    "expired": "ended",
    "deleted": "ended",
    "declined": "declined",
    "client declined": "declined",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row, and the way out. `column` is the file's own name of it."""

    line: int
    column: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client as the file has them; `key` tells the rows of one from those of another."""

    line: int
    key: str
    id: str
    name: str
    preferred: str
    born: date
    self_managing: str
    assent: str
    active: bool | None


@dataclass(frozen=True, slots=True)
class AccessRow:
    """A person of a client's network. `address` is in canonical form; `until` is the first day without access."""

    line: int
    client: str  # key
    account_id: str  # of the file
    name: str
    email: str
    address: str
    phone: str
    language: str
    kind: Kind
    access: bool
    status: str
    starts: date | None
    until: date | None
    proof: str
    toggles: Mapping[Feature, bool]


@dataclass(slots=True)
class Sheet:
    """Everything that a file says."""

    clients: dict[str, ClientRow] = field(default_factory=dict)
    access: list[AccessRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lines: int = 0


def read_rows(table: Table, shape: Shape | None, columns: Mapping[str, str], *, day_first: bool, today: date) -> Sheet:
    """The people of a table, read by the columns that fill each field."""
    sheet = Sheet(lines=len(table.lines))
    places = {name: table.header.index(column) for name, column in columns.items() if column in table.header}
    cells = [_Cells(line, places, columns, sheet.faults, day_first=day_first) for line in table.lines]
    births = _births(cells)
    people: dict[str, tuple[int, str]] = {}
    own: dict[str, tuple[int, str]] = {}
    for row in cells:
        client = _client(row, today, births)
        if client is None:
            continue
        known = sheet.clients.setdefault(client.key, client)
        if (known.name.casefold(), known.born) != (client.name.casefold(), client.born):
            row.fault("client_id", _("Line %(line)s gives this id to another client.", line=known.line))
            continue
        access = _access(row, known, shape)
        if access is None or not _is_one_person(row, access, people):
            continue
        if shape is not None and shape.strict and not _is_unused(row, access, own):
            continue
        sheet.access.append(access)
    return sheet


def is_day_first(table: Table, columns: Mapping[str, str]) -> bool:
    """Whether the days of a table read as day/month/year and not as month/day/year."""
    wanted = [table.header.index(columns[name]) for name in ("client_born", "from", "until") if name in columns]
    found = [
        match for line in table.lines for place in wanted if (match := _SLASHED.fullmatch(line.cells[place].strip()))
    ]
    return any(int(match[1]) > 12 for match in found) and not any(int(match[2]) > 12 for match in found)


class _Cells:
    """One row by field."""

    def __init__(
        self, line: Line, places: Mapping[str, int], columns: Mapping[str, str], faults: list[Fault], *, day_first: bool
    ) -> None:
        self.line = line.number
        self.values = {name: text_of(line.cells[place]) for name, place in places.items()}
        self.day_first = day_first
        self.wrong = False
        self._columns, self._faults = columns, faults

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def fault(self, name: str, sentence: str) -> None:
        """Note what is wrong in the column of a field."""
        self.wrong = True
        self._faults.append(Fault(self.line, self._columns.get(name, ""), sentence))

    def whole_name(self, part: str) -> str:
        """The name of the client or the contact."""
        whole = self[f"{part}_name"] or f"{self[f'{part}_first']} {self[f'{part}_last']}".strip()
        if len(whole) > 2 * NAME_MAX:
            self.fault(self.of(part, "name", "first"), _("This name is too long."))
        return whole[: 2 * NAME_MAX]

    def of(self, part: str, *names: str) -> str:
        """The first of several fields that the file has a column for."""
        return next((f"{part}_{name}" for name in names if f"{part}_{name}" in self), f"{part}_{names[0]}")

    def day(self, name: str) -> date | None:
        """A day; None where there is none or where it is no day."""
        text = self[name]
        if not text:
            return None
        try:
            found = _day_of(text, day_first=self.day_first)
        except ValueError:
            self.fault(name, _("There is no such day as “%(said)s”.", said=text[:40]))
            return None
        if found is None:
            self.fault(name, _("“%(said)s” is no date. Write it as 2017-03-09 or 03/09/2017.", said=text[:40]))
        return found

    def flag(self, name: str, *, missing: bool | None) -> bool | None:
        """Yes or no; `missing` where the file has no such column."""
        if name not in self:
            return missing
        said = self[name].casefold()
        if said in _YES:
            return True
        if said not in _NO:
            self.fault(name, _("“%(said)s” is neither yes nor no.", said=self[name][:40]))
        return False

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """One of these words, or nothing."""
        said = self[name].casefold()
        if said and said not in words:
            text, known = self[name][:40], ", ".join(words)
            self.fault(name, _("“%(said)s” is not known here. Write one of: %(known)s.", said=text, known=known))
            return ""
        return said


def _day_of(text: str, *, day_first: bool) -> date | None:
    """The day that a text says, None when it is none; ValueError when there is no such day."""
    if match := _ISO.fullmatch(text):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := _DOTTED.fullmatch(text):
        return date(int(match[3]), int(match[2]), int(match[1]))
    if match := _SLASHED.fullmatch(text):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        return date(year, second, first) if day_first else date(year, first, second)
    return None


def _births(cells: list[_Cells]) -> dict[str, date]:
    """The birth date of each name that has only one in the file: a client's other rows may leave it out."""
    found: dict[str, set[date]] = {}
    for row in cells:
        with suppress(ValueError):
            if (born := _day_of(row["client_born"], day_first=row.day_first)) is not None:
                found.setdefault(row.whole_name("client").casefold(), set()).add(born)
    return {name: next(iter(days)) for name, days in found.items() if len(days) == 1}


def _client(row: _Cells, today: date, births: Mapping[str, date]) -> ClientRow | None:
    name = row.whole_name("client")
    if not name:
        row.fault(row.of("client", "name", "first"), _("The client's name is missing."))
        return None
    born = row.day("client_born") if row["client_born"] else births.get(name.casefold())
    if not row["client_born"] and born is None:
        row.fault("client_born", _("The date of birth is missing. Write it as 2017-03-09."))
    elif born is not None and (born.year < _OLDEST or born > today):
        row.fault("client_born", _("Nobody in care was born on “%(said)s”.", said=row["client_born"][:40]))
    given = row["client_id"]
    if given and not is_id(given):
        row.fault("client_id", _("“%(said)s” is no id: use letters, digits and _.:@-", said=given[:40]))
    self_managing = row.word("client_self_managing", tuple(SelfManaging))
    assent = row.word("client_assent", ("given", "withheld"))
    active = row.flag("client_active", missing=None)
    if row.wrong or born is None:
        return None
    key = f"id {given}" if given else f"{name.casefold()} {born.isoformat()}"
    preferred = row["client_preferred"][:NAME_MAX] or name.split()[0]
    return ClientRow(row.line, key, given, name, preferred, born, self_managing, assent, active)


def _access(row: _Cells, client: ClientRow, shape: Shape | None) -> AccessRow | None:
    own = bool(row["client_email"]) or ("client_email" in row and row.flag("client_access", missing=False) is True)
    email_field = "client_email" if own else "contact_email"
    name = row.whole_name("contact")
    if not own and not name and not row["contact_email"]:
        return None  # A client without anybody else.
    kind = Kind.SELF if own else _kind(row, shape)
    access = row.flag("client_access" if own else "access", missing=True)
    email, status = row[email_field], _status(row)
    starts, until = row.day("from"), row.day("until")
    if starts is not None and until is not None and starts >= until:
        row.fault("until", _("The first day without access has to lie after the first day with it."))
    if not email:
        row.fault(email_field, _("An e-mail address is missing: a contact needs one."))
    elif not is_address(email):
        row.fault(email_field, _("“%(said)s” is no e-mail address such as ann@example.org.", said=email[:60]))
    if row["account_id"] and not is_id(row["account_id"]):
        row.fault("account_id", _("“%(said)s” is no id: use letters, digits and _.:@-", said=row["account_id"][:40]))
    toggles = {feature: row.flag(field_name, missing=None) for field_name, feature in TOGGLES.items()}
    proof, language = row.word("proof", ("none", "on_file")), row.word("language", tuple(LANGUAGES))
    if row.wrong or kind is None:
        return None
    return AccessRow(
        line=row.line,
        client=client.key,
        account_id=row["account_id"],
        name=client.name if kind is Kind.SELF else name or email,
        email=email,
        address=canonical(email),
        phone=row["contact_phone"][:PHONE_MAX],
        language=language or "en",
        kind=kind,
        access=bool(access) and status != "declined",
        status=status,
        starts=starts,
        until=until,
        proof=proof,
        toggles={feature: on for feature, on in toggles.items() if on is not None},
    )


def _kind(row: _Cells, shape: Shape | None) -> Kind | None:
    said = plain_name(row["kind"])
    usual = None if shape is None else shape.kind
    if not said and usual is not None:
        return usual
    kind = (shape.kinds.get(said) if shape is not None else None) or KIND_NAMES.get(said)
    if kind is None:
        known, text = ", ".join(Kind), row["kind"][:40]
        words = _("“%(said)s” is no kind of contact. Write one of: %(known)s.", said=text, known=known)
        row.fault("kind", words if said else _("What the contact is to the client is missing: %(known)s.", known=known))
    return kind


def _status(row: _Cells) -> str:
    said = plain_name(row["status"])
    if said not in _STATUSES:
        known = "pending, active, suspended, ended, declined"
        text = row["status"][:40]
        row.fault("status", _("“%(said)s” is not known here. Write one of: %(known)s.", said=text, known=known))
    return _STATUSES.get(said, "pending")


def _is_one_person(row: _Cells, access: AccessRow, people: dict[str, tuple[int, str]]) -> bool:
    line, name = people.setdefault(access.address, (row.line, access.name))
    if name.casefold() == access.name.casefold():
        return True
    words = _(
        "This address is that of %(name)s in line %(line)s. Each person needs an address of their own.",
        name=name,
        line=line,
    )
    row.fault("client_email" if access.kind is Kind.SELF and "client_email" in row else "contact_email", words)
    return False


def _is_unused(row: _Cells, access: AccessRow, own: dict[str, tuple[int, str]]) -> bool:
    line, client = own.setdefault(access.address, (row.line, access.client))
    if client == access.client:
        return True
    words = _(
        "Line %(line)s uses this address for another client. Leave it empty here, and add the parent as a contact.",
        line=line,
    )
    row.fault("client_email", words)
    return False
