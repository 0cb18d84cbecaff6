"""A reminder goes out once, the day before, in the practice's zone, to whoever may be reminded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.notices.reminders import remind
from models.tables.records import Appointment
from tests.gateway.notices.conftest import words

if TYPE_CHECKING:
    from typing import Any

    from tests.gateway.notices.conftest import Post

pytestmark = pytest.mark.anyio
MORNING = datetime(2026, 7, 1, 15, tzinfo=UTC)  # Eight o'clock in California, eleven in Maine.
TOMORROW = datetime(2026, 7, 2, 22, tzinfo=UTC)


async def book(office: Post, item_id: str = "appt_new", **values: Any) -> None:
    """An appointment of arlo, who has harbor, maple, ada and tom, in state booked at three on the second of July."""
    given = {
        "id": item_id,
        "practice_id": "northgate",
        "client_id": "arlo",
        "provider_id": "ken",
        "state": "booked",
        "starts_at": TOMORROW,
        "minutes": 50,
        "title": "Therapy",
        "place": "Room 2",
        **values,
    }
    await office.site.state.records.save("appointment", Appointment(**given))


async def reminded(office: Post) -> dict[str, str]:
    await remind(office.site.state)
    return await office.subjects()


@pytest.fixture
def morning(office: Post) -> Post:
    office.site.clock.now = MORNING
    return office


async def test_it_goes_to_whoever_may_be_reminded_and_says_when(morning: Post) -> None:
    """Tom has only arlo's calendar, and ada no reminders; community and payer see the calendar, without reminders."""
    grant = await morning.site.state.authz.grant("g_ada_arlo")
    await morning.site.state.authz.update_grant(
        "g_ada_arlo", {"toggles": {"reminders": True}}, etag=grant["etag"], actor="staff/jo"
    )
    await book(morning)
    await remind(morning.site.state)
    (mail,) = await morning.mails()
    assert mail["To"] == "ada@mail.example"
    assert mail["Subject"].strip() == "A.: An appointment on Thursday, July 2, 2026 at 3:00 pm (Pacific time)"
    assert "Therapy" not in words(mail)


async def test_it_goes_once_and_again_when_the_appointment_has_moved(morning: Post) -> None:
    await book(morning, client_id="rosa")
    assert set(await reminded(morning)) == {"rosa", "tom"}
    assert await reminded(morning) == {}
    await book(morning, client_id="rosa", starts_at=TOMORROW + timedelta(hours=1))
    assert "4:00" in (await reminded(morning))["rosa"]


async def test_only_the_day_before_counts(morning: Post) -> None:
    """Not today, not the day after tomorrow, not before eight; and days are the practice's own."""
    await book(morning, "today", client_id="rosa", starts_at=datetime(2026, 7, 2, 6, 59, tzinfo=UTC))
    await book(morning, "later", client_id="rosa", starts_at=datetime(2026, 7, 3, 7, 0, tzinfo=UTC))
    await book(morning, "first", client_id="rosa", starts_at=datetime(2026, 7, 2, 7, 0, tzinfo=UTC))
    morning.site.clock.now = MORNING - timedelta(minutes=1)
    assert await reminded(morning) == {}
    morning.site.clock.now = MORNING
    assert "12:00 am" in (await reminded(morning))["rosa"]


async def test_what_is_no_longer_booked_is_not_announced(morning: Post) -> None:
    """Cancelled before the reminder was made, and cancelled between that and the mail."""
    await book(morning, client_id="rosa", state="cancelled")
    assert await reminded(morning) == {}
    await book(morning, client_id="rosa")
    await remind(morning.site.state)
    await book(morning, client_id="rosa", state="cancelled")
    assert await morning.subjects() == {}


async def test_a_practice_that_switched_reminders_off_sends_none(morning: Post) -> None:
    await morning.site.state.authz.set_practice_switch("northgate", "reminders", on=False, actor="staff/jo")
    await book(morning, client_id="rosa")
    assert await reminded(morning) == {}
