"""How days, times, money, months and changes are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData
from starlette.requests import Request

from gateway.admin.people import describe as describe_person
from gateway.admin.switches import boxes, read_switches, said_of
from gateway.portal.papers.documents import paragraphs
from gateway.portal.schedule.views import View, day_asked, end_of, span_of
from gateway.portal.schedule.visits import describe
from gateway.web.formats import clock_time, count, day, hours, money, zone_name
from gateway.web.paging import page_number, pages_of
from gateway.web.words import FEATURES, KINDS, RELATIONS, relation
from models.tables.records import Appointment
from models.vocabulary import Feature, Kind

if TYPE_CHECKING:
    from gateway.portal.schedule.visits import Visit

PACIFIC = ZoneInfo("America/Los_Angeles")
NOON = datetime(2026, 6, 15, 12, tzinfo=PACIFIC)


@pytest.mark.parametrize(
    ("cents", "written"),
    [(0, "$0.00"), (5, "$0.05"), (9000, "$90.00"), (123456789, "$1,234,567.89"), (-250, "\N{MINUS SIGN}$2.50")],
)
def test_money_is_written_with_dollars_and_cents(cents: int, written: str) -> None:
    """Two digits of cents, thousands apart, the sign before."""
    assert money(cents) == written


@pytest.mark.parametrize(
    ("start", "minutes", "written"),
    [
        (datetime(2026, 6, 17, 10, tzinfo=PACIFIC), 50, "10:00-10:50 am"),
        (datetime(2026, 6, 17, 11, 30, tzinfo=PACIFIC), 60, "11:30 am-12:30 pm"),
        (datetime(2026, 6, 17, 0, 5, tzinfo=PACIFIC), 10, "12:05-12:15 am"),
        (datetime(2026, 6, 17, 23, 30, tzinfo=PACIFIC), 45, "11:30 pm-12:15 am"),
        (datetime(2026, 6, 17, 1, tzinfo=PACIFIC), 24 * 60, "1:00 am-1:00 am"),
    ],
)
def test_hours_say_the_half_of_the_day_once_when_it_does_not_change(
    start: datetime, minutes: int, written: str
) -> None:
    """The first am or pm is left out only where it could not mislead."""
    plain = (
        hours(start, start + timedelta(minutes=minutes)).replace("\N{EN DASH}", "-").replace("\N{NO-BREAK SPACE}", " ")
    )
    assert plain == written


def test_days_and_zones_and_counts_read_like_a_letter() -> None:
    """A day is written out, a zone has the name people use or its city's, one is not many."""
    assert day(date(2026, 6, 3)) == "June 3, 2026"
    assert clock_time(datetime(2026, 6, 3, 12, 5, tzinfo=PACIFIC)).replace("\N{NO-BREAK SPACE}", " ") == "12:05 pm"
    assert zone_name("America/Los_Angeles") == "Pacific time"
    assert zone_name("America/Argentina/Buenos_Aires") == "Buenos Aires time"
    assert [count(n, "client", "clients") for n in (0, 1, 1200)] == ["0 clients", "1 client", "1,200 clients"]


def visit(starts_at: datetime, minutes: int = 50, state: str = "booked") -> Visit:
    row = Appointment(
        id="appt",
        practice_id="northgate",
        client_id="rosa",
        provider_id="ken",
        state=state,
        starts_at=starts_at,
        minutes=minutes,
        title="Session",
        place="Video",
    )
    return describe(row, PACIFIC, NOON, {"ken": "Ken Abara"})


def test_an_appointment_stands_on_the_practices_clock() -> None:
    """Late evening in UTC is still the afternoon, and the day before, at the practice."""
    shown = visit(datetime(2026, 6, 18, 0, 30, tzinfo=UTC))
    assert (shown.on, shown.weekday, shown.iso) == (date(2026, 6, 17), "Wednesday", "2026-06-17T17:30-07:00")
    assert shown.details == "with Ken Abara · Video"
    assert (shown.year, visit(datetime(2025, 6, 18, tzinfo=UTC)).year) == (None, 2025)


def test_an_hour_that_the_clocks_skip_is_told_as_they_show_it() -> None:
    """A visit across the change to summer time ends when the wall clock says so."""
    shown = visit(datetime(2026, 3, 8, 9, 30, tzinfo=UTC), minutes=60)
    assert shown.hours.replace("\N{EN DASH}", "-").replace("\N{NO-BREAK SPACE}", " ") == "1:30-3:30 am"


@pytest.mark.parametrize(
    ("state", "starts_at", "label"),
    [
        ("booked", NOON + timedelta(days=1), "Booked"),
        ("booked", NOON - timedelta(days=1), "Past"),
        ("requested", NOON + timedelta(days=1), "Requested"),
        ("cancelled", NOON - timedelta(days=1), "Cancelled"),
        ("completed", NOON - timedelta(days=1), "Took place"),
    ],
)
def test_an_appointments_state_is_one_word(state: str, starts_at: datetime, label: str) -> None:
    """Booked is promised only while it is ahead."""
    assert visit(starts_at, state=state).state.label == label


@pytest.mark.parametrize(
    "asked", ["", "2026", "2026-06", "2026-13-01", "2026-02-30", "1999-12-31", "2101-01-01", "\u0662026-06-01", "x"]
)
def test_a_day_that_cannot_be_read_is_today(asked: str) -> None:
    """No address breaks the calendar."""
    assert day_asked(asked, NOON.date()) == NOON.date()


@given(st.dates(date(2000, 1, 1), date(2099, 12, 30)), st.sampled_from([View.MONTH, View.WEEK]))
def test_a_month_or_week_is_shown_in_whole_weeks_and_holds_each_visit_once(on: date, view: View) -> None:
    """Every day of it stands inside exactly once, from a Sunday on; the links go to the ones beside it."""
    span = span_of(view, on, [visit(datetime(on.year, on.month, on.day, 12, tzinfo=PACIFIC))], on)
    days = [square for week in span.weeks for square in week]
    assert all(len(week) == 7 for week in span.weeks)
    assert days[0].on.weekday() == 6
    inside = [square.on for square in days if square.inside]
    assert inside == [span.first + timedelta(days=n) for n in range((span.after - span.first).days)]
    assert on in inside
    assert len(inside) == 7 if view is View.WEEK else {one.month for one in inside} == {on.month}
    assert sum(len(square.visits) for square in days) == 1 == len(span.visits)
    assert end_of(view, span.before) == span.first
    assert span_of(view, span.after, (), on).before == inside[-1]


def request_for(query: str) -> Request:
    return Request({"type": "http", "path": "/list", "query_string": query.encode(), "headers": [], "method": "GET"})


@pytest.mark.parametrize(
    ("query", "number"),
    [("", 1), ("page=3", 3), ("page=0", 1), ("page=-1", 1), ("page=x", 1), ("page=%D9%A2", 1), ("page=99999999999", 1)],
)
def test_a_page_number_that_cannot_be_read_is_the_first_page(query: str, number: int) -> None:
    """Whatever stands in the address, there is a page."""
    assert page_number(request_for(query)) == number


def test_links_between_pages_keep_the_search_and_end_at_the_ends() -> None:
    """The first page has no link back, the last one none forth, and one past the end leads back to the last."""
    first = pages_of(request_for("q=a%26b&page=1"), 51, 25)
    assert (first.last, first.before, first.after) == (3, None, "/list?q=a%26b&page=2")
    last = pages_of(request_for("page=3"), 51, 25)
    assert (last.before, last.after) == ("/list?page=2", None)
    assert pages_of(request_for("page=9"), 51, 25).before == "/list?page=3"
    assert pages_of(request_for(""), 0, 25).last == 1


def test_every_kind_and_feature_has_words() -> None:
    """Nothing of the vocabulary is without a name on the pages."""
    assert set(RELATIONS) == set(KINDS) == set(Kind)
    assert set(FEATURES) == set(Feature)
    assert relation([Kind.PAYER, Kind.SELF, Kind.GUARANTOR]) == "You · You pay invoices"


def form(on: list[str], seen: dict[str, str]) -> FormData:
    return FormData([("on", name) for name in on] + [("seen", f"{name}={state}") for name, state in seen.items()])


def test_a_form_of_switches_tells_changes_and_conflicts_apart() -> None:
    """A change is what the reader turned; a conflict is what somebody else turned since the page was read."""
    seen = {feature.value: "on" for feature in Feature}
    sent = read_switches(form([feature.value for feature in Feature if feature is not Feature.FORMS], seen))
    stored = dict.fromkeys(Feature, True) | {Feature.CALENDAR: False}
    assert sent.changes() == {Feature.FORMS: False}
    assert sent.conflicts(stored) == {Feature.CALENDAR}
    shown = {box.feature: box for box in boxes(stored, sent=sent)}
    assert not shown["calendar"].on
    assert not shown["calendar"].stored
    assert shown["calendar"].conflict == "Somebody else switched this off while you were here."
    assert not shown["forms"].on
    assert shown["forms"].conflict is None


def test_a_form_that_leaves_switches_out_does_not_turn_them() -> None:
    """A box that the page did not show is neither ticked nor cleared; unknown names count for nothing."""
    sent = read_switches(form(["invoices", "forms", "nonsense"], {"invoices": "off", "nonsense": "on"}))
    assert sent.changes() == {Feature.INVOICES: True}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Nothing was changed."),
        ({Feature.INVOICES: True}, "Saved. Invoices is now on for Sam."),
        (
            {Feature.INVOICES: True, Feature.FORMS: False, Feature.MESSAGES: False, Feature.CALENDAR: False},
            "Saved. Invoices is now on; Forms, Messages and Calendar are now off for Sam.",
        ),
    ],
)
def test_a_save_says_what_it_changed(changes: dict[Feature, bool], sentence: str) -> None:
    """One sentence names each switch and its new state."""
    assert said_of(changes, "Sam") == sentence


def test_access_until_a_day_ends_on_the_day_before() -> None:
    """The window of a grant leaves its `until` day out, so the last day is the one before."""
    grant = {
        "id": "g_ada_arlo",
        "kind": "adult_proxy",
        "status": "active",
        "from": "2026-01-01",
        "until": "2026-12-31",
        "proof": "on_file",
        "blocked": True,
    }
    person = describe_person(grant, "Ada Brightwater")
    assert person.window == "from January 1, 2026 through December 30, 2026"
    assert [flag.label for flag in person.flags] == ["Active", "Safety block"]
    assert person.first == "Ada"


def test_empty_lines_separate_paragraphs() -> None:
    """One line break does not."""
    assert paragraphs("One\ntwo\n\n \n\nThree\n") == ("One\ntwo", "Three")
    assert paragraphs("") == ()
