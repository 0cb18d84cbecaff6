"""The practice's pages of scheduling: hours on offer, the rule, and the answers to requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlmodel import select
from starlette.datastructures import FormData

from gateway.admin.hours_form import form_of, read
from models.tables.scheduling import Availability
from tests.conftest import FROZEN

if TYPE_CHECKING:
    from typing import Any

    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio
PAGE = "/admin/availability/lea"
HOURS = {
    "offered": "on",
    "version": "0",
    "slot_minutes": "45",
    "title": "Talk",
    "place": "Room 1",
    "from_0_0": "09:00",
    "until_0_0": "12:00",
    "day_0": "2026-06-22",
    "from_x_0": "",
    "until_x_0": "",
}


async def stored(site: Portal, staff: str) -> Availability | None:
    found: Availability | None = await site.state.records.read(
        "northgate", lambda session: session.exec(select(Availability).where(Availability.staff_id == staff)).first()
    )
    return found


async def test_a_therapist_sets_hours_and_offers_times(site: Portal) -> None:
    """Saving keeps the hours and tells the service that times are offered; unticking tells it that none are."""
    lea = await site.as_("lea")
    assert (await lea.post(PAGE, HOURS, PAGE)).status_code == 303
    row = await stored(site, "lea")
    assert row is not None
    assert row.hours == [{"weekday": 0, "from": 540, "until": 720}]
    assert row.exceptions == [{"day": "2026-06-22", "from": None, "until": None}]
    assert await offers(site, "lea")
    shown = (await lea.get(PAGE)).text
    assert 'value="09:00"' in shown
    assert 'value="2026-06-22"' in shown
    assert (await lea.post(PAGE, {**HOURS, "offered": "", "version": "1"}, PAGE)).status_code == 303
    assert not await offers(site, "lea")


async def offers(site: Portal, staff: str) -> bool:
    members = await site.state.authz.staff_of("northgate")
    return next(bool(one["available"]) for one in members if one["id"] == staff)


async def test_hours_that_somebody_else_saved_meanwhile_are_not_overwritten(site: Portal) -> None:
    """The second of two forms made from the same page is told so, and keeps what was typed."""
    lea, jo = await site.as_("lea"), await site.as_("jo")
    assert (await jo.post(PAGE, {**HOURS, "place": "Room 9"}, PAGE)).status_code == 303
    answer = await lea.post(PAGE, HOURS, PAGE)
    assert answer.status_code == 409
    assert "Room 1" in answer.text
    row = await stored(site, "lea")
    assert row is not None
    assert row.place == "Room 9"


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [("ken", PAGE, 404), ("sky", PAGE, 404), ("bea", PAGE, 403), ("lea", "/admin/availability/priya", 404)],
)
async def test_hours_are_changed_by_their_therapist_and_who_runs_the_practice(
    site: Portal, name: str, path: str, status: int
) -> None:
    """Another therapist and the scheduler may look and not save; whoever has no calendar sees nothing."""
    staff = await site.as_(name)
    token = await staff.token("/admin")
    answer = await staff.http.post(path, data={**HOURS, "csrf": token})
    assert answer.status_code == status
    assert await stored(site, "lea") is None


async def test_the_rule_is_for_who_runs_the_practice(site: Portal) -> None:
    """Notice and confirmation are saved by an administrator, refused with the field when they cannot be read."""
    jo, ken = await site.as_("jo"), await site.as_("ken")
    page = "/admin/availability"
    wrong = await jo.post(page, {"confirms": "automatic", "notice_hours": "two"}, page)
    assert wrong.status_code == 422
    assert 'href="#notice_hours"' in wrong.text
    assert (await jo.post(page, {"confirms": "automatic", "notice_hours": "48"}, page)).status_code == 303
    assert (await site.state.authz.practice("northgate"))["notice_hours"] == 48
    token = await ken.token("/admin")
    assert (await ken.http.post(page, data={"confirms": "staff", "csrf": token})).status_code == 403


async def test_a_request_is_accepted_or_declined_by_who_may(site: Portal) -> None:
    """Rosa's request waits for ken; lea, who has other clients, and the biller find nothing; an answer is told."""
    ken, lea, bea = await site.as_("ken"), await site.as_("lea"), await site.as_("bea")
    place = "/admin/clients/rosa/appointments/appt_rosa_4/answer"
    assert "appt_rosa_4" in (await ken.get("/admin/appointments")).text
    assert "appt_rosa_4" not in (await lea.get("/admin/appointments")).text
    assert (await bea.get("/admin/appointments")).status_code == 403
    fields = {"answer": "accept", "sequence": "0"}
    assert (await lea.post(place, fields, "/admin/appointments")).status_code == 403
    assert (await ken.post(place, {**fields, "answer": "maybe"}, "/admin/appointments")).status_code == 404
    assert (await ken.post(place, fields, "/admin/appointments")).status_code == 303
    assert "Accepted." in (await ken.get("/admin/appointments")).text
    assert (await ken.post(place, {**fields, "answer": "decline"}, "/admin/appointments")).status_code == 303
    assert "meanwhile" in (await ken.get("/admin/appointments")).text
    rosa = await site.as_("rosa")
    assert "Booked" in (await rosa.get("/c/rosa/appointments/appt_rosa_4")).text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"slot_minutes": "5"}, "slot_minutes"),
        ({"slot_minutes": "x"}, "slot_minutes"),
        ({"title": ""}, "title"),
        ({"place": "x" * 81}, "place"),
        ({"until_0_0": ""}, "until_0_0"),
        ({"from_0_0": "9 am"}, "from_0_0"),
        ({"until_0_0": "08:00"}, "until_0_0"),
        ({"until_0_0": "09:30"}, "until_0_0"),
        ({"from_0_1": "11:00", "until_0_1": "13:00"}, "from_0_1"),
        ({"day_0": "", "from_x_0": "09:00", "until_x_0": "12:00"}, "day_0"),
        ({"day_0": "22 June"}, "day_0"),
        ({"day_1": "2026-06-22"}, "day_0"),
    ],
)
async def test_what_is_wrong_with_the_hours_is_said_at_its_field(changed: dict[str, str], field: str) -> None:
    """Each fault has one sentence, with a link to the field."""
    sent = read(FormData({**HOURS, **changed}), FROZEN.date())
    assert [problem.field for problem in sent.problems] == [field]


async def test_hours_come_back_from_the_form_as_they_were() -> None:
    """What is stored, shown and sent again is the same; midnight is the end of a day; past days are dropped."""
    kept: dict[str, Any] = {
        "slot_minutes": 30,
        "title": "Talk",
        "place": "Video",
        "hours": [{"weekday": 6, "from": 0, "until": 60}, {"weekday": 6, "from": 1200, "until": 1440}],
        "exceptions": [
            {"day": "2026-07-01", "from": 600, "until": 720},
            {"day": "2026-07-04", "from": None, "until": None},
        ],
    }
    form = form_of(Availability(staff_id="ken", practice_id="northgate", **kept), offered=True)
    fields = {"slot_minutes": form.slot_minutes, "title": form.title, "place": form.place, "version": form.version}
    for day in form.week:
        for span in day.spans:
            fields |= {f"from_{span.key}": span.begins, f"until_{span.key}": span.ends}
    for n, one in enumerate(form.exceptions):
        fields |= {f"day_{n}": one.day, f"from_{one.span.key}": one.span.begins, f"until_{one.span.key}": one.span.ends}
    fields["day_4"] = "2026-06-01"
    sent = read(FormData(fields), FROZEN.date())
    assert sent.problems == []
    assert sent.kept == kept
