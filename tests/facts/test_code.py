"""Facts that need the clock: windows, ages, notice, and who counts as reachable or subscribed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from authz_service.facts import code
from authz_service.facts.derive import self_account, subscribed_staff
from authz_service.facts.request import Authn
from authz_service.facts.rows import Client, Practice, Staff
from models.vocabulary import GrantStatus, Kind, StaffRole
from policy_tests.world.load import access, load_world

LOS_ANGELES = "America/Los_Angeles"
PRACTICE = Practice(id="northgate", zone=LOS_ANGELES)


def client(born: date) -> Client:
    return Client(id="c", practice_id="northgate", born=born)


@pytest.mark.parametrize(
    ("starts", "until", "today", "window"),
    [
        (None, None, date(2026, 6, 15), "current"),
        (date(2026, 6, 15), None, date(2026, 6, 15), "current"),
        (date(2026, 6, 16), None, date(2026, 6, 15), "future"),
        (None, date(2026, 6, 16), date(2026, 6, 15), "current"),
        (None, date(2026, 6, 15), date(2026, 6, 15), "past"),
        (date(2026, 6, 20), date(2026, 6, 10), date(2026, 6, 15), "past"),
    ],
)
def test_a_window_holds_from_its_first_day_until_before_its_last(
    starts: date | None, until: date | None, today: date, window: str
) -> None:
    """[from, until): the first day counts, the day named `until` does not."""
    grant = replace(access(load_world()).grants["g_dana_mia"], starts=starts, until=until)
    assert code.grant_window(grant, today) == window


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        (date(2014, 6, 16), date(2026, 6, 15), "child"),
        (date(2014, 6, 15), date(2026, 6, 15), "teen"),
        (date(2008, 6, 16), date(2026, 6, 15), "teen"),
        (date(2008, 6, 15), date(2026, 6, 15), "adult"),
        (date(2008, 2, 29), date(2026, 2, 28), "teen"),
        (date(2008, 2, 29), date(2026, 3, 1), "adult"),
        (date(2012, 2, 29), date(2024, 2, 29), "teen"),
    ],
)
def test_age_classes_change_on_the_birthday(born: date, today: date, age: str) -> None:
    """By the practice's ages; one born on 29 February has the birthday on 1 March where that day is missing."""
    assert code.age_class(client(born), PRACTICE, today) == age


def test_a_day_begins_at_midnight_in_the_practices_zone() -> None:
    """Summer and winter; and where a clock change takes midnight away, at the first instant there is."""
    assert code.day_start(date(2026, 6, 15), LOS_ANGELES) == datetime(2026, 6, 15, 7, tzinfo=UTC)
    assert code.day_start(date(2026, 12, 15), LOS_ANGELES) == datetime(2026, 12, 15, 8, tzinfo=UTC)
    for zone, day in (("America/Santiago", date(2026, 9, 6)), ("America/Havana", date(2026, 3, 8))):
        start = code.day_start(day, zone)
        assert code.day_of(start, zone) == day
        assert code.day_of(start - timedelta(microseconds=1), zone) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("hours", "timing"),
    [(25, "ahead"), (24.01, "ahead"), (24, "short_notice"), (1, "short_notice"), (0, "past"), (-1, "past")],
)
def test_an_appointment_is_ahead_until_the_notice_begins(hours: float, timing: str) -> None:
    """With 24 hours of notice; from its start on it is past. Without a time it is ahead."""
    now = datetime(2026, 6, 15, 19, tzinfo=UTC)
    assert code.appointment_timing(now + timedelta(hours=hours), now, timedelta(hours=24)) == timing
    assert code.appointment_timing(None, now, timedelta(hours=24)) == "ahead"


@pytest.mark.parametrize(
    ("authn", "factor", "password"),
    [
        (Authn(), False, "settled"),
        (Authn(amr=("pwd",)), False, "settled"),
        (Authn(amr=("pwd", "otp"), password_change_due=False), True, "settled"),
        (Authn(amr=("mfa",), password_change_due=True), True, "change_due"),
    ],
)
def test_sign_in_strength_counts_only_as_far_as_it_is_told(authn: Authn, factor: bool, password: str) -> None:
    """What is absent is not met; a password alone is no second factor."""
    assert code.has_second_factor(authn) is factor
    assert code.password_state(authn) == password


def staff(name: str, *, subscribed: bool = False, state: str = "active") -> Staff:
    return Staff(name, "solo", frozenset({StaffRole.THERAPIST}), subscribed=subscribed, state=state)


def test_someone_who_works_alone_counts_as_subscribed() -> None:
    """One staff member is free (Y3): alone one needs none; among others one does; inactive colleagues do not count."""
    assert subscribed_staff([staff("sol")]) == {"sol"}
    assert subscribed_staff([staff("sol"), staff("new", subscribed=True)]) == {"new"}
    assert subscribed_staff([staff("sol"), staff("old", subscribed=True, state="inactive")]) == {"sol"}


def test_the_clients_own_account_is_the_holder_of_a_self_grant_that_has_not_ended() -> None:
    """A pending one counts, an ended one does not."""
    own = replace(access(load_world()).grants["g_rosa_rosa"], kind=Kind.SELF)
    assert self_account([own]) == "rosa"
    assert self_account([replace(own, status=GrantStatus.PENDING)]) == "rosa"
    assert self_account([replace(own, status=GrantStatus.ENDED)]) is None


def test_a_client_is_reachable_through_an_open_grant_only() -> None:
    """Neither through a pending one, nor one of a locked or blocked account, nor a contact's where contacts are off."""
    relation = access(load_world()).relation(None, "wren")
    assert relation is not None
    today = date(2026, 6, 15)
    assert code.is_reachable(relation, today)
    pending = tuple(replace(grant, status=GrantStatus.PENDING) for grant in relation.client_grants)
    assert not code.is_reachable(replace(relation, client_grants=pending), today)
    assert not code.is_reachable(replace(relation, unreachable_accounts=frozenset({"dana"})), today)
    assert not code.is_reachable(replace(relation, practice=replace(relation.practice, contacts_allowed=False)), today)
