"""The facts that need more than a row: days, ages, the clock and how the person signed in."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models.vocabulary import AgeClass, GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.facts.request import Authn
    from authz_service.facts.rows import Client, Grant, Practice, Relation

# RFC 8176: methods that are, or stand for, a second factor.
SECOND_FACTORS = frozenset({"mfa", "otp", "hwk", "swk"})


@lru_cache(maxsize=4096)
def day_start(day: date, zone: str) -> datetime:
    """The first instant of a day in a zone (where a clock change skips midnight, the first instant after it)."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def day_of(now: datetime, zone: str) -> date:
    """The day it is in a zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def birthday(born: date, years: int) -> date:
    """The day on which a person has lived `years` years; of a 29 February without that day, 1 March."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def age_class(client: Client, practice: Practice, today: date) -> AgeClass:
    """The client's age class by the practice's own ages."""
    if today >= birthday(client.born, practice.adult_from):
        return AgeClass.ADULT
    return AgeClass.TEEN if today >= birthday(client.born, practice.teen_from) else AgeClass.CHILD


def grant_window(grant: Grant, today: date) -> str:
    """Whether today lies in [starts, until)."""
    if grant.until is not None and today >= grant.until:
        return "past"
    return "future" if grant.starts is not None and today < grant.starts else "current"


def password_state(authn: Authn) -> str:
    """`change_due` only where the caller says so: a caller that has no passwords has nothing to say."""
    return "change_due" if authn.password_change_due else "settled"


def has_second_factor(authn: Authn) -> bool:
    """Whether one of the methods used is a second factor."""
    return not SECOND_FACTORS.isdisjoint(authn.amr)


def is_reachable(relation: Relation, today: date) -> bool:
    """Whether someone has portal access for the client now: an open grant, neither locked nor blocked."""
    return any(
        grant.status is GrantStatus.ACTIVE
        and grant_window(grant, today) == "current"
        and grant.account_id not in relation.unreachable_accounts
        and (grant.kind is Kind.SELF or relation.practice.contacts_allowed)
        for grant in relation.client_grants
    )


def appointment_timing(starts_at: datetime | None, now: datetime, notice: timedelta) -> str:
    """`ahead` up to the practice's notice, then `short_notice`, then `past`; without a time yet it is ahead."""
    if starts_at is None or now < starts_at - notice:
        return "ahead"
    return "short_notice" if now < starts_at else "past"


def timing_condition(prop: str, value: str, now: datetime, notice: timedelta) -> dict[str, Any]:
    """The condition under which `appointment_timing` gives this value; a null instant is before nothing."""
    started = {"before": [prop, rfc3339(now + timedelta(microseconds=1))]}
    near = {"before": [prop, rfc3339(now + notice + timedelta(microseconds=1))]}
    if value == "past":
        return started
    return {"not": near} if value == "ahead" else {"all": [near, {"not": started}]}


def rfc3339(instant: datetime) -> str:
    """An instant in UTC, as it travels."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def turning_points(relation: Relation) -> Iterator[datetime]:
    """Every instant at which a fact about these rows changes by itself: birthdays, windows, emergency access."""
    zone = relation.practice.zone
    for years in (relation.practice.teen_from, relation.practice.adult_from):
        yield day_start(birthday(relation.client.born, years), zone)
    for grant in relation.client_grants:
        for day in (grant.starts, grant.until):
            if day is not None:
                yield day_start(day, zone)
    for emergency in relation.emergencies:
        yield emergency.starts
        yield emergency.until
