"""A client's calendar, service plan and clinical papers for those of the staff to whom they are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import col

from gateway.edge.guard import Guard, Route
from gateway.edge.questions import listing
from gateway.portal.schedule.calendar import in_words
from gateway.portal.service_plan import plans_in_view
from gateway.web.formats import day, zone_name
from gateway.web.language import _
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.staff import staff_names
from gateway.web.today import local_now
from models.tables.records import Appointment, ClinicalNote, TreatmentPlan

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 50
NOTES_MAX = 200


async def client_calendar(request: Request) -> Response:
    """The client's appointments, the coming ones first."""
    now = local_now(request)
    coming = await listing(
        request,
        "appointment",
        where=col(Appointment.starts_at) >= now,
        order_by=(col(Appointment.starts_at),),
        limit=SIZE,
    )
    past = await listing(
        request,
        "appointment",
        where=col(Appointment.starts_at) < now,
        order_by=(col(Appointment.starts_at).desc(),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    return await page(
        request,
        "admin/chart_calendar.html",
        coming=await in_words(request, coming.rows),
        past=await in_words(request, past.rows),
        pages=pages_of(request, past.total, SIZE),
        zone_label=zone_name(request.state.client.zone),
    )


async def client_plan(request: Request) -> Response:
    """The client's service plans, the newest first."""
    return await page(request, "admin/chart_plan.html", plans=await plans_in_view(request))


async def client_notes(request: Request) -> Response:
    """Clinical notes, the newest first."""
    return await _papers(request, "clinical_note", _("Notes of %(name)s", name=request.state.client.name))


async def client_treatment(request: Request) -> Response:
    """Treatment plans, the newest first."""
    return await _papers(request, "treatment_plan", _("Treatment plans of %(name)s", name=request.state.client.name))


async def _papers(request: Request, kind: str, title: str) -> Response:
    table = TreatmentPlan if kind == "treatment_plan" else ClinicalNote
    found = await listing(request, kind, order_by=(col(table.dated).desc(),), limit=NOTES_MAX)
    authors = await staff_names(request, [row.author for row in found.rows])
    notes = [
        {
            "id": row.id,
            "title": row.title,
            "author": authors.get(row.author, ""),
            "dated": day(row.dated),
            "body": row.body,
        }
        for row in found.rows
    ]
    return await page(request, "admin/chart_notes.html", title=title, notes=notes)


_CLIENT = "/admin/clients/{client}"
ROUTES = (
    Route(f"{_CLIENT}/calendar", client_calendar, guard=Guard("view", "calendar")),
    Route(f"{_CLIENT}/plan", client_plan, guard=Guard("view", "service_plan")),
    Route(f"{_CLIENT}/notes", client_notes, guard=Guard("view", "clinical_note")),
    Route(f"{_CLIENT}/treatment-plans", client_treatment, guard=Guard("view", "treatment_plan")),
)
