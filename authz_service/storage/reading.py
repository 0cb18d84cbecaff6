"""The access data read from the database, as it is now or as it was at an instant."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, or_, select

from authz_service.facts.rows import (
    ALL_ON,
    Account,
    Client,
    EmergencyAccess,
    Grant,
    Practice,
    Relation,
    Staff,
    StaffPost,
    bound_by,
)
from models.tables import access as tables
from models.vocabulary import Feature, GrantStatus, Kind, PlanAudience, SelfManaging, StaffRole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import BindParameter, ColumnElement, Connection, Row, Select

    from models.tables.access import History

_ADMINISTRATION = ("key", "valid_from", "valid_to", "changed_by", "reason")


def _by(table: type[History], *names: str) -> tuple[Select[Any], Select[Any]]:
    """The rows with these values: those that hold now, and those that held at the parameter `at`."""
    columns = table.__table__.c  # type: ignore[attr-defined]
    return held(columns, *(columns[name] == bindparam(name) for name in names))


def _among(table: type[History], name: str, values: str) -> tuple[Select[Any], Select[Any]]:
    """The same for the rows with one of the values."""
    columns = table.__table__.c  # type: ignore[attr-defined]
    return held(columns, columns[name].in_(bindparam(values, expanding=True)))


def held(columns: Any, *conditions: ColumnElement[bool]) -> tuple[Select[Any], Select[Any]]:
    """The rows that meet the conditions: those that hold now, and those that held at the parameter `at`."""
    wanted = select(*(column for column in columns if column.name not in _ADMINISTRATION)).where(*conditions)
    at: BindParameter[Any] = bindparam("at")
    valid = and_(columns.valid_from <= at, or_(columns.valid_to.is_(None), columns.valid_to > at))
    return wanted.where(columns.valid_to.is_(None)), wanted.where(valid)


_ACCOUNT = _by(tables.AccountRow, "id")
_ACCOUNTS = _among(tables.AccountRow, "id", "ids")
_PRACTICE = _by(tables.PracticeRow, "practice_id")
_PRACTICES = _by(tables.PracticeRow)
_PRACTICE_SWITCHES = _by(tables.PracticeSwitchRow, "practice_id")
_CLIENT = _by(tables.ClientRow, "id")
_CLIENTS = _by(tables.ClientRow, "practice_id")
_CLIENT_SWITCHES = _by(tables.ClientSwitchRow, "client_id")
_STAFF_MEMBER = _by(tables.StaffRow, "id")
_STAFF = _by(tables.StaffRow, "practice_id")
_ASSIGNMENTS = _by(tables.AssignmentRow, "practice_id")
_GRANT = _by(tables.GrantRow, "id")
_GRANTS_ON = _by(tables.GrantRow, "client_id")
_GRANTS_OF = _by(tables.GrantRow, "account_id")
_WITHHOLDS = _by(tables.WithholdRow, "account_id", "client_id")
_WITHHOLDS_OF_ITEM = _by(tables.WithholdRow, "client_id", "resource_type", "resource_id")
_kept = tables.WithholdRow.__table__.c  # type: ignore[attr-defined]
_KEPT = held(
    _kept,
    _kept.account_id.in_(bindparam("accounts", expanding=True)),
    _kept.client_id == bindparam("client_id"),
)
_BLOCKS = _by(tables.BlockRow, "client_id")
_EMERGENCIES = _by(tables.EmergencyAccessRow, "client_id")
_RESOURCE = _by(tables.ResourceRow, "resource_type", "resource_id")


class Reading:
    """An `Access` on one transaction. `at` in the past reads what held then; None reads what holds now."""

    def __init__(self, connection: Connection, at: datetime | None = None) -> None:
        self._connection = connection
        self._at = at

    def account(self, account_id: str) -> Account | None:
        """The account."""
        row = self._one(_ACCOUNT, id=account_id)
        return None if row is None else Account(row.id, row.state)

    def practice(self, practice_id: str) -> Practice | None:
        """The practice with its switches."""
        row = self._one(_PRACTICE, practice_id=practice_id)
        if row is None:
            return None
        switches = self._all(_PRACTICE_SWITCHES, practice_id=practice_id)
        return Practice(
            id=row.practice_id,
            zone=row.zone,
            teen_from=row.teen_from,
            adult_from=row.adult_from,
            plan_audience=PlanAudience(row.plan_audience),
            contacts_allowed=row.contacts_allowed,
            card_processing=row.card_processing,
            second_factor=row.second_factor,
            staff_second_factor=row.staff_second_factor,
            notice_hours=row.notice_hours,
            switches=switches_of(switches),
            version=row.version,
            switches_version=sum(each.version for each in switches),
        )

    def practices(self) -> tuple[str, ...]:
        """Ids of the practices within reach, in order."""
        return tuple(sorted(row.practice_id for row in self._all(_PRACTICES)))

    def client(self, client_id: str) -> Client | None:
        """The client with its switches."""
        row = self._one(_CLIENT, id=client_id)
        if row is None:
            return None
        switches = self._all(_CLIENT_SWITCHES, client_id=client_id)
        return Client(
            id=row.id,
            practice_id=row.practice_id,
            born=row.born,
            self_managing=SelfManaging(row.self_managing),
            assent=row.assent,
            active=row.active,
            switches=switches_of(switches),
            version=row.version,
            switches_version=sum(each.version for each in switches),
        )

    def clients(self, practice_id: str) -> tuple[str, ...]:
        """Ids of the practice's clients, in order."""
        return tuple(sorted(row.id for row in self._all(_CLIENTS, practice_id=practice_id)))

    def staff(self, practice_id: str) -> tuple[Staff, ...]:
        """The practice's staff, in order of id."""
        rows = sorted(self._all(_STAFF, practice_id=practice_id), key=lambda row: row.id)
        assigned: dict[str, set[str]] = {}
        for row in self._all(_ASSIGNMENTS, practice_id=practice_id):
            assigned.setdefault(row.staff_id, set()).add(row.client_id)
        return tuple(
            Staff(
                id=row.id,
                practice_id=row.practice_id,
                roles=frozenset(StaffRole(role) for role in row.roles),
                state=row.state,
                subscribed=row.subscribed,
                may_invite=row.may_invite,
                available=row.available,
                assigned=frozenset(assigned.get(row.id, ())),
                version=row.version,
            )
            for row in rows
        )

    def post(self, staff_id: str) -> StaffPost | None:
        """The staff member with the practice they belong to."""
        row = self._one(_STAFF_MEMBER, id=staff_id)
        practice = None if row is None else self.practice(row.practice_id)
        if practice is None:
            return None
        colleagues = self.staff(practice.id)
        return StaffPost(next(member for member in colleagues if member.id == staff_id), practice, colleagues)

    def grant(self, grant_id: str) -> Grant | None:
        """The grant."""
        row = self._one(_GRANT, id=grant_id)
        return None if row is None else grant_of(row)

    def grants_on(self, client_id: str) -> tuple[Grant, ...]:
        """Every grant on the client, in order of id."""
        return _grants(self._all(_GRANTS_ON, client_id=client_id))

    def grants_of(self, account_id: str) -> tuple[Grant, ...]:
        """Every grant of the account, in order of id."""
        return _grants(self._all(_GRANTS_OF, account_id=account_id))

    def clients_of(self, account_id: str) -> tuple[str, ...]:
        """Ids of the clients on which the account holds a grant."""
        return tuple(sorted({grant.client_id for grant in self.grants_of(account_id)}))

    def relation(self, account_id: str | None, client_id: str) -> Relation | None:
        """What a question about the two reads."""
        client = self.client(client_id)
        practice = None if client is None else self.practice(client.practice_id)
        if client is None or practice is None:
            return None
        return self.relate(account_id, client, practice, self.staff(practice.id))

    def relate(self, account_id: str | None, client: Client, practice: Practice, staff: tuple[Staff, ...]) -> Relation:
        """The same, where client, practice and staff are at hand."""
        client_grants = self.grants_on(client.id)
        blocks = {row.account_id for row in self._all(_BLOCKS, client_id=client.id)}
        holders = {grant.account_id for grant in client_grants}
        rows = self._all(_ACCOUNTS, ids=sorted(holders | ({account_id} if account_id else set())))
        known = {row.id: Account(row.id, row.state) for row in rows}
        open_accounts = {each for each, account in known.items() if account.state == "active"} - blocks
        grants = tuple(grant for grant in client_grants if grant.account_id == account_id)
        keepers = bound_by(account_id, grants) if account_id else ()
        withheld = self._all(_KEPT, accounts=keepers, client_id=client.id) if keepers else ()
        return Relation(
            practice=practice,
            client=client,
            account=known.get(account_id) if account_id else None,
            grants=grants,
            withheld=frozenset((row.resource_type, row.resource_id) for row in withheld),
            blocked=account_id in blocks,
            client_grants=client_grants,
            unreachable_accounts=frozenset(holders - open_accounts),
            staff=staff,
            emergencies=tuple(
                EmergencyAccess(row.staff_id, row.client_id, row.starts_at, row.until_at)
                for row in self._all(_EMERGENCIES, client_id=client.id)
            ),
        )

    def item(self, resource_type: str, resource_id: str) -> Mapping[str, Any] | None:
        """The registered raw properties of an item; a client, practice or grant is registered by being there."""
        if resource_type == "client" and (client := self.client(resource_id)):
            return client.properties
        if resource_type == "grant" and (grant := self.grant(resource_id)):
            return grant.properties
        if resource_type == "practice" and self._one(_PRACTICE, practice_id=resource_id):
            return {"practice_id": resource_id}
        return self.registered(resource_type, resource_id)

    def registered(self, resource_type: str, resource_id: str) -> Mapping[str, Any] | None:
        """What was registered for an item, with its `practice_id` and `client_id`."""
        row = self._one(_RESOURCE, resource_type=resource_type, resource_id=resource_id)
        return None if row is None else known_of(row)

    def withheld_from(self, account_id: str, client_id: str) -> tuple[tuple[str, str], ...]:
        """(type, id) of what is kept from the account by its own name, in order."""
        rows = self._all(_WITHHOLDS, account_id=account_id, client_id=client_id)
        return tuple(sorted((row.resource_type, row.resource_id) for row in rows))

    def withholders_of(self, client_id: str, resource_type: str, resource_id: str) -> tuple[str, ...]:
        """The account ids, EVERYONE among them, that one item is kept from."""
        item = {"resource_type": resource_type, "resource_id": resource_id}
        return tuple(sorted(row.account_id for row in self._all(_WITHHOLDS_OF_ITEM, client_id=client_id, **item)))

    def history(self, table: type[History], **identity: Any) -> Sequence[Row[Any]]:
        """Every row about something that held at some time up to now (or the past instant), the newest first."""
        columns = table.__table__.c  # type: ignore[attr-defined]
        wanted = select(columns).where(*(columns[name] == value for name, value in identity.items()))
        if self._at is not None:
            wanted = wanted.where(columns.valid_from <= self._at)
        return self._connection.execute(wanted.order_by(columns.key.desc())).all()

    def holds(self, row: Row[Any]) -> bool:
        """Whether a row of `history` holds now (or held at the past instant)."""
        return row.valid_to is None or (self._at is not None and row.valid_to > self._at)

    def select(self, now: Select[Any], then: Select[Any]) -> Sequence[Row[Any]]:
        """The rows of a pair that `held` made."""
        return self._all((now, then))

    def _all(self, by: tuple[Select[Any], Select[Any]], **values: Any) -> Sequence[Row[Any]]:
        if self._at is None:
            return self._connection.execute(by[0], values).all()
        return self._connection.execute(by[1], {**values, "at": self._at}).all()

    def _one(self, by: tuple[Select[Any], Select[Any]], **values: Any) -> Row[Any] | None:
        rows = self._all(by, **values)
        return rows[0] if rows else None


def known_of(row: Row[Any]) -> dict[str, Any]:
    """The registered properties in a row of a resource."""
    known: dict[str, Any] = {**row.properties, "practice_id": row.practice_id}
    return known if row.client_id is None else {**known, "client_id": row.client_id}


@lru_cache(maxsize=4096)
def _toggles(on: tuple[bool, ...]) -> Mapping[Feature, bool]:
    """Every feature; the many grants with the same toggles share them."""
    return MappingProxyType(dict(zip(Feature, on, strict=True)))


def switches_of(rows: Sequence[Row[Any]]) -> Mapping[Feature, bool]:
    """Every feature; what was never switched is on."""
    if not rows:
        return ALL_ON
    return MappingProxyType({**ALL_ON, **{Feature(row.feature): row.is_on for row in rows}})


def _grants(rows: Sequence[Row[Any]]) -> tuple[Grant, ...]:
    return tuple(grant_of(row) for row in sorted(rows, key=lambda row: str(row.id)))


def grant_of(row: Row[Any]) -> Grant:
    """The grant in a row."""
    return Grant(
        id=row.id,
        account_id=row.account_id,
        client_id=row.client_id,
        practice_id=row.practice_id,
        kind=Kind(row.kind),
        status=GrantStatus(row.status),
        toggles=_toggles(tuple(row.toggles.get(feature, False) for feature in Feature)),
        starts=row.starts,
        until=row.until,
        proof=row.proof,
        version=row.version,
    )
