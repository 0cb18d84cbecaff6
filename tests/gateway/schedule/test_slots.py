"""The times on offer, on ordinary days and on those when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.portal.schedule.slots import DAY_MINUTES, Slot, free, instant, offered
from models.tables.scheduling import Availability

PACIFIC = ZoneInfo("America/Los_Angeles")
GAP, FOLD = date(2026, 3, 8), date(2026, 11, 1)
ZONES = ("America/Los_Angeles", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "UTC")


def availability(hours: list[tuple[int, int]], minutes: int = 60, **exceptions: Any) -> Availability:
    return Availability(
        staff_id="ken",
        practice_id="northgate",
        slot_minutes=minutes,
        title="Session",
        place="Video",
        hours=[{"weekday": day, "from": begins, "until": ends} for day in range(7) for begins, ends in hours],
        exceptions=exceptions.get("exceptions", []),
    )


def clock(slot: Slot) -> str:
    return f"{slot.start.astimezone(PACIFIC):%H:%M %Z}"


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2026, 3, 7), ["00:00 PST", "01:00 PST", "02:00 PST", "03:00 PST"]),
        (GAP, ["00:00 PST", "01:00 PST", "03:00 PDT"]),
        (FOLD, ["00:00 PDT", "01:00 PDT", "01:00 PST", "02:00 PST", "03:00 PST"]),
    ],
)
def test_the_hour_that_is_skipped_offers_nothing_and_the_one_shown_twice_offers_two(
    on: date, expected: list[str]
) -> None:
    """Midnight to four has three hours in spring, five in autumn, and every one of them is offered once."""
    assert [clock(slot) for slot in offered(availability([(0, 240)]), PACIFIC, on, on)] == expected


def test_hours_that_begin_in_the_skipped_hour_begin_after_it() -> None:
    """Half past two does not exist on that day; three o'clock is when the clocks go on."""
    assert [clock(slot) for slot in offered(availability([(150, 300)]), PACIFIC, GAP, GAP)] == [
        "03:00 PDT",
        "04:00 PDT",
    ]
    assert list(offered(availability([(120, 180)]), PACIFIC, GAP, GAP)) == []


@given(
    zone=st.sampled_from(ZONES),
    on=st.one_of(st.sampled_from([GAP, FOLD]), st.dates(date(2024, 1, 1), date(2030, 12, 31))),
    bounds=st.sets(st.integers(1, DAY_MINUTES - 1), max_size=5),
    minutes=st.sampled_from([1, 5, 15, 30, 50, 60, 90]),
)
def test_no_time_of_any_day_is_lost_or_offered_twice(zone: str, on: date, bounds: set[int], minutes: int) -> None:
    """However a whole day is cut into windows, its slots follow one another without overlap, each in full length,
    and no window leaves as much as one more slot unused."""
    edges = [0, *sorted(bounds), DAY_MINUTES]
    where = ZoneInfo(zone)
    slots = list(offered(availability(list(pairwise(edges)), minutes), where, on, on))
    assert all(slot.end - slot.start == timedelta(minutes=minutes) for slot in slots)
    assert all(one.end <= other.start for one, other in pairwise(slots))
    length = timedelta(minutes=minutes)
    moments = [instant(on, edge, where) for edge in edges]
    assert moments == sorted(moments)
    assert moments[0] == instant(on, 0, where)
    assert moments[-1] == instant(on + timedelta(days=1), 0, where)
    unused = moments[-1] - moments[0] - length * len(slots)
    assert unused < length * (len(edges) - 1)


def test_counting_on_the_wall_clock_would_double_one_hour_and_lose_another() -> None:
    """The control: four readings of the clock are three moments in spring, and miss one of five hours in autumn."""

    def naive(on: date) -> set[datetime]:
        readings = (datetime(on.year, on.month, on.day, hour, tzinfo=PACIFIC) for hour in range(4))
        return {reading.astimezone(UTC) for reading in readings}

    def right(on: date) -> set[datetime]:
        return {slot.start for slot in offered(availability([(0, 240)]), PACIFIC, on, on)}

    assert len(naive(GAP)) == 3
    assert len(right(FOLD) - naive(FOLD)) == 1


def test_an_exception_replaces_the_hours_of_its_day() -> None:
    """Away for a day, and other hours on the next."""
    days_off = [
        {"day": "2026-06-16", "from": None, "until": None},
        {"day": "2026-06-17", "from": 600, "until": 660},
    ]
    slots = offered(availability([(540, 660)], exceptions=days_off), PACIFIC, date(2026, 6, 15), date(2026, 6, 17))
    assert [f"{slot.start.astimezone(PACIFIC):%d %H:%M}" for slot in slots] == ["15 09:00", "15 10:00", "17 10:00"]


def test_what_is_moved_is_offered_times_that_hold_its_own_length() -> None:
    """A visit of 90 minutes begins where slots begin and ends within the hours; so does one of 15."""
    on = date(2026, 6, 16)
    hours = availability([(540, 720)])  # 9 to 12, by the hour
    long, short = ([*offered(hours, PACIFIC, on, on, minutes)] for minutes in (90, 15))
    assert [f"{slot.start.astimezone(PACIFIC):%H:%M}-{slot.end.astimezone(PACIFIC):%H:%M}" for slot in long] == [
        "09:00-10:30",
        "10:00-11:30",
    ]
    assert [f"{slot.start.astimezone(PACIFIC):%H:%M}" for slot in short] == ["09:00", "10:00", "11:00"]
    assert all(slot.end - slot.start == timedelta(minutes=15) for slot in short)


def test_what_is_taken_or_too_soon_is_not_free() -> None:
    """A slot that shares a minute with something taken is gone; one that only touches it stays."""
    day = list(offered(availability([(540, 780)]), PACIFIC, date(2026, 6, 16), date(2026, 6, 16)))
    taken = Slot(day[1].end - timedelta(minutes=1), day[2].end)
    assert free(day, [taken], day[0].start) == [day[0], day[3]]
    assert free(day, [], day[0].start + timedelta(minutes=1)) == day[1:]
